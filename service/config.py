"""What the environment tells the service, and what the service refuses to start with."""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, get_origin, get_type_hints
from urllib.parse import urlsplit

import msgspec

DEVELOPMENT_SECRET = "dev-secret: never used in production"
DEVELOPMENT_JWT_SECRET = "dev-jwt-secret: never used in production"
PLACEHOLDER = re.compile(r"change.?me|your.?secret|placeholder|example", re.IGNORECASE)

NO_DATABASE = "DATABASE_URL is not set: production never uses the embedded database"
# Names other tools export for purposes of their own: read only with Flask's prefix.
PREFIX_ONLY = frozenset({"DEBUG", "TESTING", "HOST"})
# The usual name of a key whose own name is Flask-SQLAlchemy's.
ALIASES = {"SQLALCHEMY_DATABASE_URI": "DATABASE_URL"}
# Flask's prefix on names that are the command line's, not configuration keys.
NOT_CONFIGURATION = re.compile(r"FLASK_(APP|ENV|RUN_.+|SKIP_DOTENV)$")


def _cores() -> int:
    """Those this process may use, where the system tells."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


class ConfigurationError(Exception):
    """The process must not start. `problems`: one sentence each, never a value that is secret."""

    def __init__(self, problems: list[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = problems

    def report(self) -> int:
        """Prints each problem on a line of standard error; returns the exit code, 2."""
        print(*(f"configuration: {each}" for each in self.problems), sep="\n", file=sys.stderr)
        return 2


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
    JWT_SECRET_KEY: str = ""
    """Signs tokens (HS256). Production: random, 32 characters or more, not the `SECRET_KEY`."""
    JWT_ACCESS_TOKEN_EXPIRES: int = 900
    """Life of an access token, in seconds."""
    JWT_REFRESH_TOKEN_EXPIRES: int = 2_592_000
    """Life of a refresh token, in seconds."""
    PASSWORD_SCHEME: str = "scrypt:32768:8:3"
    """How new passwords are hashed, in Werkzeug's notation (`scrypt:N:r:p`, `pbkdf2:sha256:n`)."""

    SQLALCHEMY_DATABASE_URI: str = ""
    """The database; `DATABASE_URL` is the usual name. Any `postgres://` form a Flask deployment
    uses. Empty outside production: an embedded PostgreSQL under `var/postgres`."""
    SQLALCHEMY_ENGINE_OPTIONS: Mapping[str, Any] = MappingProxyType({})
    """Pool options as JSON, over the defaults `pool_size 10, max_overflow 20, pool_recycle 3600,
    pool_pre_ping true, pool_timeout 5`."""
    DATABASE_STATEMENT_TIMEOUT: float = 15.0
    """A statement that runs longer is cancelled, in seconds."""

    CORS_ORIGINS: tuple[str, ...] = ("http://localhost:*",)
    """Browser origins, comma-separated; production refuses `*` and http. Checked at the start only:
    answers carry no CORS headers yet."""

    HOST: str = "127.0.0.1"
    """The address it listens on. Only `FLASK_HOST` sets it."""
    PORT: int = 5500
    """The port it listens on."""
    WEB_CONCURRENCY: int = 1
    """Worker processes under Gunicorn."""
    GRACEFUL_TIMEOUT: float = 30.0
    """How long requests in flight may take to finish at a stop, in seconds."""
    MAX_CONTENT_LENGTH: int = 1_048_576
    """The largest request body, in bytes; a larger one is a 413."""
    BODY_TIMEOUT: float = 10.0
    """How long a client may take to send its body, in seconds; a slower one is a 408."""
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

    def problems(self) -> list[str]:
        """What is wrong with these values whatever the environment, one sentence each."""
        found = []
        if not 0 <= self.PORT <= 65535:
            found.append(f"PORT is {self.PORT}: give a number from 0 to 65535")
        if self.LOG_LEVEL.lower() not in {"debug", "info", "warning", "error", "critical"}:
            found.append("LOG_LEVEL must be debug, info, warning, error or critical")
        if self.LOG_FORMAT not in {"json", "console"}:
            found.append("LOG_FORMAT must be json or console")
        if not re.fullmatch(r"scrypt(:\d+:\d+:\d+)?|pbkdf2:sha\d+(:\d+)?", self.PASSWORD_SCHEME):
            found.append("PASSWORD_SCHEME must be like scrypt:32768:8:3 or pbkdf2:sha256:1000000")
        found += [
            f"{name} must be more than zero"
            for name in (
                "JWT_ACCESS_TOKEN_EXPIRES",
                "JWT_REFRESH_TOKEN_EXPIRES",
                "DATABASE_STATEMENT_TIMEOUT",
                "GRACEFUL_TIMEOUT",
                "MAX_CONTENT_LENGTH",
                "BODY_TIMEOUT",
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


class ProductionConfig(Config):
    """In production: nothing is assumed, and what is missing or unsafe stops the start."""

    ENVIRONMENT = "production"
    CORS_ORIGINS = ()
    WEB_CONCURRENCY = 2 * _cores() + 1
    HOST = "0.0.0.0"  # noqa: S104 - behind the proxy, or in a container
    PREFERRED_URL_SCHEME = "https"
    SESSION_COOKIE_SECURE = True
    REMEMBER_COOKIE_SECURE = True

    def problems(self) -> list[str]:
        """As `Config.problems`, and every value that would make production unsafe."""
        found = super().problems()
        if self.DEBUG:
            found.append("FLASK_DEBUG is on: set it to 0 or unset it")
        for name in ("SECRET_KEY", "JWT_SECRET_KEY"):
            flaw = _flaw_of_secret(getattr(self, name))
            if flaw:
                found.append(
                    f"{name} {flaw}: set it to the output of "
                    'python -c "import secrets; print(secrets.token_hex(32))"'
                )
        if self.SECRET_KEY and self.SECRET_KEY == self.JWT_SECRET_KEY:
            found.append("SECRET_KEY and JWT_SECRET_KEY are the same: give each its own value")
        if not self.SQLALCHEMY_DATABASE_URI:
            found.append(NO_DATABASE)
        found += _flaws_of_origins(self.CORS_ORIGINS)
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

KEYS: Mapping[str, Any] = get_type_hints(Config)
"""Every declared key and its type."""


Source = str | type[Config] | Mapping[str, Any] | None
"""The name of an environment, a class, or values that win over everything else."""


def load(config: Source = None, environ: Mapping[str, str] | None = None) -> Config:
    """The configuration of this process. Raises `ConfigurationError` with every problem at once."""
    settings, problems = _read(config, os.environ if environ is None else environ)
    problems += settings.problems()
    if problems:
        raise ConfigurationError(problems)
    return settings


def load_for_migration(environ: Mapping[str, str] | None = None) -> Config:
    """As `load`, for a process that needs the database and no secret.

    Raises `ConfigurationError` if production has no database.
    """
    settings, _ = _read(None, os.environ if environ is None else environ)
    if settings.ENVIRONMENT == "production" and not settings.SQLALCHEMY_DATABASE_URI:
        raise ConfigurationError([NO_DATABASE])
    return settings


def _read(config: Source, environ: Mapping[str, str]) -> tuple[Config, list[str]]:
    problems: list[str] = []
    settings = _environment(config, environ, problems)()
    for name, hint in KEYS.items():
        raw = None if name == "ENVIRONMENT" else _raw_value(name, environ)
        if raw is not None:
            try:
                setattr(settings, name, _parse(raw, hint))
            except ValueError as error:
                problems.append(f"{name} {error}")
    _take_undeclared(settings, environ)
    if isinstance(config, Mapping):
        for name, value in config.items():
            setattr(settings, name, value)
    return settings, problems


def _environment(config: Source, environ: Mapping[str, str], problems: list[str]) -> type[Config]:
    if isinstance(config, type):
        return config
    names = {environ[key] for key in ("APP_ENV", "FLASK_ENV") if environ.get(key)}
    if isinstance(config, Mapping) and "ENVIRONMENT" in config:
        names = {config["ENVIRONMENT"]}
    if isinstance(config, str):
        names = {config}
    if len(names) > 1:
        problems.append("FLASK_ENV and APP_ENV differ: set one of them")
    name = min(names, default="development")
    if name not in ENVIRONMENTS:
        problems.append(f"FLASK_ENV is {name!r}: choose development, testing or production")
    # An unknown name is held to production's rules rather than to none.
    return ENVIRONMENTS.get(name, ProductionConfig)


def _raw_value(name: str, environ: Mapping[str, str]) -> str | None:
    names = [f"FLASK_{name}"]
    if name not in PREFIX_ONLY:
        names = [ALIASES.get(name, name), name, *names]
    return next((environ[each] for each in names if environ.get(each)), None)


def _take_undeclared(settings: Config, environ: Mapping[str, str]) -> None:
    """Flask's `from_prefixed_env`: any key at all, its value read as JSON where it is JSON."""
    for variable, raw in environ.items():
        key = variable.removeprefix("FLASK_")
        if key == variable or key in KEYS or NOT_CONFIGURATION.match(variable):
            continue
        try:
            setattr(settings, key, msgspec.json.decode(raw))
        except msgspec.DecodeError:
            setattr(settings, key, raw)


def _parse(raw: str, hint: Any) -> Any:
    return PARSERS[get_origin(hint) or hint](raw.strip())


def _boolean(raw: str) -> bool:
    lowered = raw.lower()
    if lowered in {"1", "true", "yes", "on"}:
        return True
    if lowered in {"0", "false", "no", "off"}:
        return False
    raise ValueError("must be 1 or 0")


def _number(kind: Callable[[str], float], article: str) -> Callable[[str], float]:
    def parse(raw: str) -> float:
        try:
            return kind(raw)
        except ValueError:
            raise ValueError(f"must be {article} number") from None

    return parse


def _options(raw: str) -> dict[str, Any]:
    try:
        return msgspec.json.decode(raw, type=dict[str, Any])
    except msgspec.DecodeError:
        raise ValueError('must be a JSON object, like {"pool_size": 10}') from None


PARSERS: Mapping[type, Callable[[str], Any]] = {
    str: str,
    bool: _boolean,
    int: _number(int, "a whole"),
    float: _number(float, "a"),
    tuple: lambda raw: tuple(item.strip() for item in raw.split(",") if item.strip()),
    Mapping: _options,
}
