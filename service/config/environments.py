"""The keys of the configuration, their values in each environment, and what is refused."""

from __future__ import annotations

import os
import re
from collections.abc import Mapping
from ipaddress import ip_network
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from limits import parse_many

DEVELOPMENT_SECRET = "dev-secret: never used in production"
DEVELOPMENT_JWT_SECRET = "dev-jwt-secret: never used in production"
PLACEHOLDER = re.compile(r"change.?me|your.?secret|placeholder|example", re.IGNORECASE)

PASSWORD_SCHEMES = re.compile(r"argon2id|scrypt(:\d+:\d+:\d+)?|pbkdf2:sha\d+(:\d+)?")
STRATEGIES = frozenset({"fixed-window", "moving-window", "sliding-window-counter"})
STORES = frozenset({"memory", "redis", "rediss", "redis+unix", "valkey", "valkeys", "valkey+unix"})

SENTRY_DSN = re.compile(r"https?://[^/@\s]+@[^/@\s]+/(\S+/)?\d+")

NO_DATABASE = (
    "DATABASE_URL is not set: set it to the production PostgreSQL; the embedded one is never used"
)


def _cores() -> int:
    """Those this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class Config:
    """What every environment shares. A key is read from the variable of its own name, or of its
    own name behind `FLASK_`; the text under each key is its documentation."""

    ENVIRONMENT: str = "development"
    """Chosen by `FLASK_ENV` or `APP_ENV`: `development`, `testing` or `production`."""
    DEBUG: bool = False
    """Shows exceptions in the answers they caused. Only `FLASK_DEBUG` sets it; production refuses
    it."""
    TESTING: bool = False
    """Marks a test run, for code that asks Quart. Only `FLASK_TESTING` sets it."""

    SECRET_KEY: str = ""
    """Signs session cookies. Production: random, 32 characters or more."""
    SECRET_KEY_FALLBACKS: tuple[str, ...] = ()
    """Other keys whose session cookies are accepted, comma-separated: the next one before a
    rotation, the last one after it. Held to the same as `SECRET_KEY`."""
    JWT_SECRET_KEY: str = ""
    """Signs tokens. Production: random, 32 characters or more, not the `SECRET_KEY`."""
    JWT_SECRET_KEY_FALLBACKS: tuple[str, ...] = ()
    """Other keys whose tokens are accepted, comma-separated, as with `SECRET_KEY_FALLBACKS`."""
    JWT_ACCESS_TOKEN_EXPIRES: int = 900
    """Life of an access token, in seconds."""
    JWT_REFRESH_TOKEN_EXPIRES: int = 2_592_000
    """Life of a refresh token, in seconds."""
    JWT_REFRESH_TOKEN_ROTATION: bool = True
    """A refresh token works once, and one that comes back ends all that were made from it. `0`: it
    works until it expires, for clients that keep the one they got at login."""
    JWT_ALGORITHM: str = "HS256"
    """How tokens are signed: `HS256`, `HS384` or `HS512`."""
    JWT_DECODE_ALGORITHMS: tuple[str, ...] = ()
    """Accepted beside `JWT_ALGORITHM`, comma-separated."""
    JWT_IDENTITY_CLAIM: str = "sub"
    """The claim that holds the user's id."""
    JWT_VERIFY_SUB: bool = True
    """Refuse a token whose `sub` is not a string."""
    JWT_ENCODE_AUDIENCE: str = ""
    """The `aud` of new tokens. Empty: none."""
    JWT_DECODE_AUDIENCE: tuple[str, ...] = ()
    """Accept only tokens with one of these in `aud`, comma-separated. Empty: `aud` is not looked
    at."""
    JWT_ENCODE_ISSUER: str = ""
    """The `iss` of new tokens. Empty: none."""
    JWT_DECODE_ISSUER: str = ""
    """Accept only tokens with this `iss`. Empty: any."""
    JWT_DECODE_LEEWAY: int = 0
    """How far the clock of whoever minted a token may be off, in seconds."""
    JWT_ENCODE_NBF: bool = True
    """Give new tokens an `nbf` claim."""
    JWT_HEADER_NAME: str = "Authorization"
    """The header a token comes in."""
    JWT_HEADER_TYPE: str = "Bearer"
    """The word before the token. Empty: none."""
    JWT_TOKEN_LOCATION: tuple[str, ...] = ("headers",)
    """Where tokens are looked for, in this order: `headers`, `cookies`, comma-separated. With
    `cookies`, login sets Flask-JWT-Extended's cookies."""
    JWT_ACCESS_COOKIE_NAME: str = "access_token_cookie"
    """The cookie with the access token."""
    JWT_REFRESH_COOKIE_NAME: str = "refresh_token_cookie"
    """The cookie with the refresh token."""
    JWT_ACCESS_COOKIE_PATH: str = "/"
    """Where the browser sends the access token."""
    JWT_REFRESH_COOKIE_PATH: str = "/"
    """Where the browser sends the refresh token."""
    JWT_COOKIE_SECURE: bool = False
    """Send token cookies over HTTPS only."""
    JWT_COOKIE_SAMESITE: str = ""
    """`Lax`, `Strict` or `None`, for token cookies. Empty: not said."""
    JWT_COOKIE_DOMAIN: str = ""
    """The domain of token cookies. Empty: the host that set them."""
    JWT_SESSION_COOKIE: bool = True
    """Token cookies end with the browser; `0`: with the token."""
    JWT_COOKIE_CSRF_PROTECT: bool = True
    """A token from a cookie needs its `csrf` claim in a header when the method changes anything."""
    JWT_CSRF_IN_COOKIES: bool = True
    """Set the cookies scripts read that claim from."""
    JWT_CSRF_METHODS: tuple[str, ...] = ("POST", "PUT", "PATCH", "DELETE")
    """The methods that need it."""
    JWT_ACCESS_CSRF_COOKIE_NAME: str = "csrf_access_token"
    """The cookie with the access token's claim."""
    JWT_REFRESH_CSRF_COOKIE_NAME: str = "csrf_refresh_token"
    """The cookie with the refresh token's claim."""
    JWT_ACCESS_CSRF_COOKIE_PATH: str = "/"
    """Where scripts see it."""
    JWT_REFRESH_CSRF_COOKIE_PATH: str = "/"
    """Where scripts see it."""
    JWT_ACCESS_CSRF_HEADER_NAME: str = "X-CSRF-TOKEN"
    """The header it comes back in."""
    JWT_REFRESH_CSRF_HEADER_NAME: str = "X-CSRF-TOKEN"
    """The header it comes back in."""
    PASSWORD_SCHEME: str = "scrypt:32768:8:3"
    """How new passwords are hashed: Werkzeug's notation (`scrypt:N:r:p`, `pbkdf2:sha256:n`), or
    `argon2id` once no Flask process verifies them any more. Weaker hashes are replaced at login."""

    SQLALCHEMY_DATABASE_URI: str = ""
    """The database; `DATABASE_URL` is the usual name. Any `postgres://` form a Flask deployment
    uses. Empty outside production: an embedded PostgreSQL under `var/postgres`."""
    SQLALCHEMY_ENGINE_OPTIONS: Mapping[str, Any] = MappingProxyType({})
    """Pool options as JSON, over the defaults `pool_size 10, max_overflow 20, pool_recycle 3600,
    pool_pre_ping true, pool_timeout 5`."""
    DATABASE_SELF_HOSTED: bool = False
    """PostgreSQL on this very machine is meant to be: `quart check --deploy` does not object."""
    DATABASE_POOLER: str = ""
    """`pgbouncer`: the database's URL leads to a PgBouncer in transaction mode. Empty: to
    PostgreSQL itself."""
    MIGRATION_DATABASE_URL: str = ""
    """The database for migrations, which must go to PostgreSQL itself. Empty: as for the service,
    unless `DATABASE_POOLER` is set."""
    DATABASE_STATEMENT_TIMEOUT: float = 15.0
    """A statement that runs longer is cancelled, in seconds."""

    CORS_ORIGINS: tuple[str, ...] = ("http://localhost:*",)
    """Browser origins that may read answers, comma-separated; `:*` is any port, `*` any origin.
    Production refuses `*` and http."""
    CORS_METHODS: tuple[str, ...] = ("DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT")
    """The methods a preflight allows."""
    CORS_ALLOW_HEADERS: tuple[str, ...] = ("*",)
    """The request headers a preflight allows; `*`: those it asks for."""
    CORS_EXPOSE_HEADERS: tuple[str, ...] = (
        "ETag",
        "Link",
        "Location",
        "Retry-After",
        "X-RateLimit-Limit",
        "X-RateLimit-Remaining",
        "X-RateLimit-Reset",
        "X-Request-ID",
    )
    """The answer's headers that scripts may read."""
    CORS_SUPPORTS_CREDENTIALS: bool = False
    """Lets scripts of those origins send cookies."""
    CORS_MAX_AGE: int = 0
    """How long a browser may remember a preflight, in seconds. 0: not said."""

    RATELIMIT_ENABLED: bool = True
    """Whether there are limits at all."""
    RATELIMIT_STORAGE_URI: str = "memory://"
    """Where requests are counted: `redis://`, `rediss://` or `valkey://` for all processes
    together, `memory://` for each alone. The counters are Flask-Limiter's."""
    RATELIMIT_STRATEGY: str = "fixed-window"
    """`fixed-window`, `moving-window` or `sliding-window-counter`."""
    RATELIMIT_DEFAULT: str = ""
    """The limit of every route without one of its own, like `200 per minute;5000 per day`."""
    RATELIMIT_LOGIN: str = "10 per minute"
    """The limit on login and on changing a password, by address."""
    RATELIMIT_REGISTER: str = "10 per minute"
    """The limit on registration, by address."""
    RATELIMIT_KEY_PREFIX: str = ""
    """Put before each counter's name, where several services share a store."""
    RATELIMIT_HEADERS_ENABLED: bool = True
    """Whether answers of limited routes carry `X-RateLimit-*`."""

    FORWARDED_ALLOW_IPS: tuple[str, ...] = ("127.0.0.1",)
    """Proxies whose `X-Forwarded-For`, `-Proto` and `-Host` are believed: addresses and networks,
    comma-separated; `*` is everybody."""
    PUBLIC_URL: str = ""
    """Where clients reach the service, like `https://api.example.com`: what `quart check --deploy`
    looks at from outside."""

    HOST: str = "127.0.0.1"
    """The address it listens on. Only `FLASK_HOST` sets it."""
    PORT: int = 5500
    """The port it listens on."""
    WEB_CONCURRENCY: int = 1
    """Worker processes under Gunicorn. If it is not set: no more than PostgreSQL has connections
    for."""
    GRACEFUL_TIMEOUT: float = 30.0
    """How long requests in flight may take to finish at a stop, in seconds."""
    MAX_CONTENT_LENGTH: int = 1_048_576
    """The largest request body, in bytes; a larger one is a 413."""
    BODY_TIMEOUT: float = 10.0
    """How long a client may take to send its body, in seconds; a slower one is a 408."""
    REQUEST_TIMEOUT: float = 30.0
    """How long a request may take to be worked on, in seconds; then it is given up, with a 503."""
    MAX_REQUESTS_IN_FLIGHT: int = 500
    """Requests that one process works on at once; one more is a 503 at once. Health and metrics are
    always answered."""
    IDEMPOTENCY_LIFE: int = 86_400
    """How long the answer to an `Idempotency-Key` is kept, in seconds."""
    PREFERRED_URL_SCHEME: str = "http"
    """The scheme of links made outside a request."""

    SESSION_COOKIE_SECURE: bool = False
    """Send the session cookie over HTTPS only."""
    SESSION_COOKIE_HTTPONLY: bool = True
    """Keep the session cookie from scripts."""
    SESSION_COOKIE_SAMESITE: str = "Lax"
    """Keep the session cookie from other sites' requests."""
    REMEMBER_COOKIE_SECURE: bool = False
    """As Flask-Login has it, for code that shares the configuration; nothing here sets it."""
    REMEMBER_COOKIE_HTTPONLY: bool = True
    """As above."""

    LOG_LEVEL: str = "info"
    """`debug`, `info`, `warning`, `error` or `critical`."""
    LOG_FORMAT: str = "json"
    """What standard output carries: `json`, or `console` for a person. A file is always JSON."""
    LOG_FILE: str = ""
    """A file that gets every line as JSON as well; reopened when it is rotated. Empty: none."""

    SENTRY_DSN: str = ""
    """Where unexpected exceptions are reported, without headers, bodies and local variables. Empty:
    nowhere."""
    SENTRY_ENVIRONMENT: str = ""
    """What Sentry calls this environment. Empty: as `FLASK_ENV` does."""
    SENTRY_TRACES_SAMPLE_RATE: float = 0.0
    """The share of requests whose duration Sentry is told, from 0 to 1."""
    OTEL_EXPORTER_OTLP_ENDPOINT: str = ""
    """Where traces are sent by OTLP over HTTP, like `http://collector:4318`. Empty: nowhere. The
    OpenTelemetry SDK reads its other variables itself: `OTEL_SERVICE_NAME`,
    `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER`, `OTEL_BSP_*` and so on."""
    OTEL_EXPORTER_OTLP_HEADERS: str = ""
    """What the receiver wants to know, like `api-key=…`; a secret."""

    TEST_REPORT: str = "var/tests.json"
    """What the last whole run of the tests wrote; `quart check --deploy` wants it to be about the
    code that is deployed."""
    BACKUP_REPORT: str = "var/backup.json"
    """What the last verified backup wrote: `{"verified_at": "2026-01-15T03:00:00Z"}`."""
    BACKUP_MAX_AGE: int = 93_600
    """How old that may be, in seconds."""

    def problems(self) -> list[str]:
        """What is wrong with these values whatever the environment, one sentence each."""
        found = []
        if not 0 <= self.PORT <= 65535:
            found.append(f"PORT is {self.PORT}: give a number from 0 to 65535")
        if self.LOG_LEVEL.lower() not in {"debug", "info", "warning", "error", "critical"}:
            found.append("LOG_LEVEL must be debug, info, warning, error or critical")
        if self.LOG_FORMAT not in {"json", "console"}:
            found.append("LOG_FORMAT must be json or console")
        if not PASSWORD_SCHEMES.fullmatch(self.PASSWORD_SCHEME):
            found.append(
                "PASSWORD_SCHEME must be argon2id or like scrypt:32768:8:3 or pbkdf2:sha256:600000"
            )
        if self.DATABASE_POOLER not in {"", "pgbouncer"}:
            found.append("DATABASE_POOLER must be pgbouncer, or empty")
        found += _flaws_of_tokens(self)
        found += _flaws_of_limits(self)
        found += _flaws_of_proxies(self.FORWARDED_ALLOW_IPS)
        found += _flaws_of_receivers(self)
        found += [
            f"{name} must be more than zero"
            for name in (
                "JWT_ACCESS_TOKEN_EXPIRES",
                "JWT_REFRESH_TOKEN_EXPIRES",
                "DATABASE_STATEMENT_TIMEOUT",
                "GRACEFUL_TIMEOUT",
                "MAX_CONTENT_LENGTH",
                "BODY_TIMEOUT",
                "REQUEST_TIMEOUT",
                "MAX_REQUESTS_IN_FLIGHT",
                "IDEMPOTENCY_LIFE",
                "WEB_CONCURRENCY",
            )
            if getattr(self, name) <= 0
        ]
        return found


class DevelopmentConfig(Config):
    """On a developer's machine: readable logs, debug on, fixed secrets that production refuses."""

    DEBUG = True
    SECRET_KEY = DEVELOPMENT_SECRET
    JWT_SECRET_KEY = DEVELOPMENT_JWT_SECRET
    LOG_LEVEL = "debug"
    LOG_FORMAT = "console"
    LOG_FILE = "var/log/service.jsonl"


class TestingConfig(Config):
    """Under test: like production, but with fixed secrets and a password hash that costs little."""

    ENVIRONMENT = "testing"
    TESTING = True
    SECRET_KEY = DEVELOPMENT_SECRET
    JWT_SECRET_KEY = DEVELOPMENT_JWT_SECRET
    PASSWORD_SCHEME = "scrypt:1024:8:1"
    RATELIMIT_ENABLED = False


class ProductionConfig(Config):
    """In production: nothing is assumed, and what is missing or unsafe stops the start."""

    ENVIRONMENT = "production"
    CORS_ORIGINS = ()
    WEB_CONCURRENCY = 2 * _cores() + 1
    HOST = "0.0.0.0"  # noqa: S104 - behind the proxy, or in a container
    PREFERRED_URL_SCHEME = "https"
    SESSION_COOKIE_SECURE = True
    JWT_COOKIE_SECURE = True
    JWT_COOKIE_SAMESITE = "Lax"
    REMEMBER_COOKIE_SECURE = True

    def problems(self) -> list[str]:
        """As `Config.problems`, and every value that would make production unsafe."""
        found = super().problems()
        if self.DEBUG:
            found.append("FLASK_DEBUG is on: set it to 0 or unset it")
        found += _flaws_of_secrets(self)
        if not self.SQLALCHEMY_DATABASE_URI:
            found.append(NO_DATABASE)
        found += _flaws_of_origins(self.CORS_ORIGINS)
        return found


def _flaws_of_secrets(config: Config) -> list[str]:
    found = []
    for name in ("SECRET_KEY", "JWT_SECRET_KEY"):
        flaw = _flaw_of_secret(getattr(config, name))
        if flaw:
            found.append(
                f"{name} {flaw}: set it to the output of "
                'python -c "import secrets; print(secrets.token_hex(32))"'
            )
        # Whoever knows an accepted key forges what it signs, in use or not.
        flaws = map(_flaw_of_secret, getattr(config, f"{name}_FALLBACKS"))
        found += [f"{name}_FALLBACKS has a key that {each}: take it out" for each in flaws if each]
    if config.SECRET_KEY and config.SECRET_KEY == config.JWT_SECRET_KEY:
        found.append("SECRET_KEY and JWT_SECRET_KEY are the same: give each its own value")
    elif {config.SECRET_KEY, *config.SECRET_KEY_FALLBACKS} & {
        config.JWT_SECRET_KEY,
        *config.JWT_SECRET_KEY_FALLBACKS,
    } - {""}:
        found.append("SECRET_KEY and JWT_SECRET_KEY share a fallback: give each its own keys")
    return found


def _flaw_of_secret(value: str) -> str | None:
    if not value:
        return "is not set"
    if value.lower().startswith("dev"):
        return "is a development default"
    if len(value) < 32:
        return "is shorter than 32 characters"
    if len(set(value)) < 8 or PLACEHOLDER.search(value):
        return "does not look random"
    return None


def _flaws_of_tokens(config: Config) -> list[str]:
    found = []
    algorithms = {config.JWT_ALGORITHM, *config.JWT_DECODE_ALGORITHMS}
    if not algorithms <= {"HS256", "HS384", "HS512"}:
        found.append("JWT_ALGORITHM and JWT_DECODE_ALGORITHMS must be HS256, HS384 or HS512")
    if not 0 <= config.JWT_DECODE_LEEWAY <= 86_400:
        found.append("JWT_DECODE_LEEWAY must be from 0 to 86400")
    if not config.JWT_TOKEN_LOCATION or not set(config.JWT_TOKEN_LOCATION) <= {
        "headers",
        "cookies",
    }:
        found.append("JWT_TOKEN_LOCATION must be headers, cookies or both")
    return found


def _flaws_of_limits(config: Config) -> list[str]:
    found = []
    for name in ("RATELIMIT_DEFAULT", "RATELIMIT_LOGIN", "RATELIMIT_REGISTER"):
        text = getattr(config, name)
        try:
            parse_many(text or "1 per second")
        except ValueError:
            found.append(f"{name} is {text!r}: write it like 10 per minute;100 per day")
    if config.RATELIMIT_STRATEGY not in STRATEGIES:
        found.append("RATELIMIT_STRATEGY must be one of " + ", ".join(sorted(STRATEGIES)))
    if urlsplit(config.RATELIMIT_STORAGE_URI).scheme not in STORES:
        found.append("RATELIMIT_STORAGE_URI must begin with redis://, valkey:// or memory://")
    return found


def _flaws_of_proxies(proxies: tuple[str, ...]) -> list[str]:
    found = []
    for each in proxies:
        try:
            ip_network("0.0.0.0/0" if each == "*" else each)
        except ValueError:
            found.append(f"FORWARDED_ALLOW_IPS has {each!r}: give addresses, networks or *")
    return found


def _flaws_of_receivers(config: Config) -> list[str]:
    found = []
    if config.SENTRY_DSN and not SENTRY_DSN.fullmatch(config.SENTRY_DSN):
        found.append("SENTRY_DSN must be like https://<key>@<host>/<project>")
    if not 0 <= config.SENTRY_TRACES_SAMPLE_RATE <= 1:
        found.append("SENTRY_TRACES_SAMPLE_RATE must be from 0 to 1")
    endpoint = config.OTEL_EXPORTER_OTLP_ENDPOINT
    if endpoint and not re.match("https?://[^/]", endpoint):
        found.append("OTEL_EXPORTER_OTLP_ENDPOINT must begin with http:// or https://")
    return found


def _flaws_of_origins(origins: tuple[str, ...]) -> list[str]:
    flaws = []
    for origin in origins:
        if "*" in origin:
            flaws.append("CORS_ORIGINS has a *: name each https origin")
        elif urlsplit(origin).scheme != "https":
            flaws.append(f"CORS_ORIGINS has {origin!r}: only https origins are allowed")
    return list(dict.fromkeys(flaws))


ENVIRONMENTS: Mapping[str, type[Config]] = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}
