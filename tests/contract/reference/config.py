"""The guide's configuration classes. Each value can be set by the variable of its own name."""

import json
import os
from typing import Any

PAGE_ENGINE_OPTIONS = (
    '{"pool_size": 10, "pool_recycle": 3600, "pool_pre_ping": true, "max_overflow": 20}'
)


def text(name: str, default: str | None = None) -> str | None:
    """The variable, under its own name or behind Flask's prefix."""
    return os.environ.get(name) or os.environ.get(f"FLASK_{name}") or default


def flag(name: str, *, default: bool) -> bool:
    """The variable as a yes or no."""
    return (text(name) or str(default)).lower() in {"1", "true", "yes", "on"}


def number(name: str, default: int) -> int:
    """The variable as a whole number."""
    return int(text(name) or default)


def items(name: str, default: str | None = None) -> list[str] | None:
    """The variable as a comma-separated list."""
    raw = text(name, default)
    return [item.strip() for item in raw.split(",")] if raw else None


def database_url() -> str:
    """`DATABASE_URL` for psycopg 3, whatever driver it was written for."""
    url = text("DATABASE_URL") or text("SQLALCHEMY_DATABASE_URI") or "postgresql:///app"
    return f"postgresql+psycopg://{url.partition('://')[2]}"


class Config:
    """What every environment shares."""

    SECRET_KEY = text("SECRET_KEY", "dev-secret")
    PASSWORD_SCHEME = text("PASSWORD_SCHEME", "scrypt:32768:8:3")
    MAX_CONTENT_LENGTH = number("MAX_CONTENT_LENGTH", 1_048_576)
    PREFERRED_URL_SCHEME = text("PREFERRED_URL_SCHEME", "http")
    # Under a server nobody catches what TESTING lets through: every error gets its answer.
    PROPAGATE_EXCEPTIONS = False

    SQLALCHEMY_DATABASE_URI = database_url()
    SQLALCHEMY_ENGINE_OPTIONS: dict[str, Any] = json.loads(
        text("SQLALCHEMY_ENGINE_OPTIONS", PAGE_ENGINE_OPTIONS) or "{}"
    )

    SESSION_COOKIE_SECURE = flag("SESSION_COOKIE_SECURE", default=False)
    SESSION_COOKIE_HTTPONLY = flag("SESSION_COOKIE_HTTPONLY", default=True)
    SESSION_COOKIE_SAMESITE = text("SESSION_COOKIE_SAMESITE", "Lax")

    JWT_SECRET_KEY = text("JWT_SECRET_KEY")
    JWT_ACCESS_TOKEN_EXPIRES = number("JWT_ACCESS_TOKEN_EXPIRES", 900)
    JWT_REFRESH_TOKEN_EXPIRES = number("JWT_REFRESH_TOKEN_EXPIRES", 2_592_000)
    JWT_REFRESH_TOKEN_ROTATION = flag("JWT_REFRESH_TOKEN_ROTATION", default=True)
    JWT_TOKEN_LOCATION = items("JWT_TOKEN_LOCATION", "headers")
    JWT_COOKIE_SECURE = flag("JWT_COOKIE_SECURE", default=False)
    JWT_COOKIE_SAMESITE = text("JWT_COOKIE_SAMESITE")
    JWT_COOKIE_CSRF_PROTECT = flag("JWT_COOKIE_CSRF_PROTECT", default=True)
    JWT_ACCESS_COOKIE_NAME = text("JWT_ACCESS_COOKIE_NAME", "access_token_cookie")
    JWT_ENCODE_ISSUER = text("JWT_ENCODE_ISSUER")
    JWT_DECODE_ISSUER = text("JWT_DECODE_ISSUER")
    JWT_ENCODE_AUDIENCE = text("JWT_ENCODE_AUDIENCE")
    JWT_DECODE_AUDIENCE = items("JWT_DECODE_AUDIENCE")

    RATELIMIT_ENABLED = flag("RATELIMIT_ENABLED", default=True)
    RATELIMIT_HEADERS_ENABLED = flag("RATELIMIT_HEADERS_ENABLED", default=True)
    RATELIMIT_STORAGE_URI = text("RATELIMIT_STORAGE_URI", "memory://")
    RATELIMIT_STRATEGY = text("RATELIMIT_STRATEGY", "fixed-window")
    RATELIMIT_KEY_PREFIX = text("RATELIMIT_KEY_PREFIX", "")
    RATELIMIT_DEFAULT = text("RATELIMIT_DEFAULT")
    RATELIMIT_LOGIN = text("RATELIMIT_LOGIN", "10 per minute")
    RATELIMIT_REGISTER = text("RATELIMIT_REGISTER", "10 per minute")

    CORS_ORIGINS = items("CORS_ORIGINS", "http://localhost:*")
    CORS_METHODS = items("CORS_METHODS")
    CORS_ALLOW_HEADERS = items("CORS_ALLOW_HEADERS")
    CORS_EXPOSE_HEADERS = items("CORS_EXPOSE_HEADERS")
    CORS_SUPPORTS_CREDENTIALS = flag("CORS_SUPPORTS_CREDENTIALS", default=False)
    CORS_MAX_AGE = text("CORS_MAX_AGE")


class DevelopmentConfig(Config):
    """On a developer's machine."""

    DEBUG = True


class TestingConfig(Config):
    """Under test: nobody is counted unless a test asks for it, and passwords cost little."""

    TESTING = True
    RATELIMIT_ENABLED = flag("RATELIMIT_ENABLED", default=False)
    PASSWORD_SCHEME = text("PASSWORD_SCHEME", "scrypt:1024:8:1")


class ProductionConfig(Config):
    """In production, as the guide has it."""

    DEBUG = False
    TESTING = False

    SESSION_COOKIE_SECURE = flag("SESSION_COOKIE_SECURE", default=True)
    SESSION_COOKIE_HTTPONLY = True

    REMEMBER_COOKIE_SECURE = True
    REMEMBER_COOKIE_HTTPONLY = True

    PREFERRED_URL_SCHEME = "https"


ENVIRONMENTS = {
    "development": DevelopmentConfig,
    "testing": TestingConfig,
    "production": ProductionConfig,
}


def current() -> type[Config]:
    """The class that `FLASK_ENV` names."""
    return ENVIRONMENTS[os.environ.get("FLASK_ENV") or os.environ.get("APP_ENV") or "development"]
