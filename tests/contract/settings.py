"""The variables of the pairs of sides, each shared by several behaviours.

Starting a pair takes seconds, so each also reaches its database in another of the ways that a
deployment may: behaviours/configuration.py looks at what came of that. `{database}` stands for the
pair's database in a URL, `{store}` for the store of the rate limits, `{tableless}` for a database
without tables.
"""

from tests.contract.support import Settings

FRONTEND = "https://app.example.com"
NOBODY_LISTENS = "127.0.0.1:1"

PLAIN = Settings("plain")

OUTAGE = Settings("outage")
"""A pair whose database may be taken away."""

UNREACHABLE = Settings(
    "unreachable", {"DATABASE_URL": f"postgresql://someone:pa55word@{NOBODY_LISTENS}/none"}
)
"""A pair whose database refuses connections."""

TABLELESS = Settings("tableless", {"DATABASE_URL": "{tableless}"})
"""A pair whose queries fail, which nobody foresees."""

BROWSERS = Settings(
    "browsers",
    {
        "FLASK_ENV": "",
        "APP_ENV": "production",
        "FLASK_HOST": "127.0.0.1",
        "WEB_CONCURRENCY": "1",
        "PASSWORD_SCHEME": "scrypt:1024:8:1",
        "RATELIMIT_ENABLED": "0",
        "CORS_ORIGINS": f"{FRONTEND},https://admin.example.com",
        "CORS_METHODS": "GET,POST,PATCH",
        "CORS_ALLOW_HEADERS": "Authorization,Content-Type,X-Request-ID",
        "CORS_EXPOSE_HEADERS": "X-Request-ID,Link",
        "CORS_SUPPORTS_CREDENTIALS": "1",
        "CORS_MAX_AGE": "600",
    },
)
"""In production, called by browsers from other origins."""

COOKIES = Settings(
    "cookies",
    {
        "DATABASE_URL": "postgresql+psycopg2://{database}&connect_timeout=5",
        "JWT_TOKEN_LOCATION": "headers,cookies",
        "JWT_COOKIE_SAMESITE": "Strict",
    },
)
"""Tokens in cookies as well as in headers, as Flask-JWT-Extended reads them."""

LIMITED = Settings(
    "limited",
    {
        "DATABASE_URL": "postgres://{database}&sslmode=prefer",
        "RATELIMIT_ENABLED": "1",
        "RATELIMIT_STORAGE_URI": "{store}",
        "RATELIMIT_LOGIN": "3 per minute",
        "RATELIMIT_REGISTER": "2 per minute",
        "RATELIMIT_DEFAULT": "1000 per hour",
    },
)
"""Both sides count in one store; the connections' address is believed to be a proxy's."""

ALONE = Settings(
    "alone",
    {
        "DATABASE_URL": "postgresql+asyncpg://{database}&options=-c%20application_name%3Dalone",
        "FORWARDED_ALLOW_IPS": "192.0.2.1",
        "RATELIMIT_ENABLED": "1",
        "RATELIMIT_STORAGE_URI": "{store}",
        "RATELIMIT_KEY_PREFIX": "alone",
        "RATELIMIT_LOGIN": "3 per minute",
        "RATELIMIT_REGISTER": "1 per 1 second",
    },
)
"""Clients that are no proxies: only 192.0.2.1 would be one."""

NAMED = Settings(
    "named",
    {
        "DATABASE_URL": "",
        "SQLALCHEMY_DATABASE_URI": "postgresql+psycopg://{database}&application_name=named",
        "SQLALCHEMY_ENGINE_OPTIONS": '{"pool_size": 3, "pool_recycle": 60, "max_overflow": 1}',
        "MAX_CONTENT_LENGTH": "2048",
        "PASSWORD_SCHEME": "pbkdf2:sha256:1000",
        "JWT_ACCESS_TOKEN_EXPIRES": "60",
        "JWT_REFRESH_TOKEN_EXPIRES": "3600",
        "JWT_REFRESH_TOKEN_ROTATION": "0",
        "JWT_ENCODE_ISSUER": "https://api.example.com",
        "JWT_DECODE_ISSUER": "https://api.example.com",
        "JWT_ENCODE_AUDIENCE": "web",
        "JWT_DECODE_AUDIENCE": "web,mobile",
        "FLASK_SESSION_COOKIE_SAMESITE": "Strict",
        "SESSION_COOKIE_SECURE": "1",
    },
)
"""What a deployment sets, by the names it sets it under."""
