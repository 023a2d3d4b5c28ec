"""What the checks look at: the configuration, the service, its database; each asked for once."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping, Sequence
from contextlib import suppress
from ipaddress import ip_address
from urllib.parse import parse_qs, unquote, urlsplit

from sqlalchemy.exc import ArgumentError

from service.checks.hosts import hosts_in
from service.checks.line import Unknowable
from service.checks.web import Site
from service.config import Config, unchecked
from service.database.engine import Database, DatabaseUnavailable
from service.database.url import DatabaseURLError

CONNECT_LIMIT = 5.0
STATEMENT_LIMIT = 5.0
CLOSE_LIMIT = 2.0
SHORTEST_SECRET = 8
# As many lines as ask the database at the same moment.
CONNECTIONS = 3

SEE_DATABASE = "see the line database-url"
SEE_HEALTH = "see the line health-check"
SEE_HTTPS = "see the lines https and reverse-proxy"


class Scene:
    """Made from the environment the service is run with. `url`: where clients reach it, instead
    of PUBLIC_URL; `plain_url`: where they would without TLS; `instances`: how many machines or
    containers run it."""

    def __init__(
        self,
        environ: Mapping[str, str] = os.environ,
        *,
        deployed: bool = True,
        url: str | None = None,
        plain_url: str | None = None,
        instances: int = 1,
    ) -> None:
        self.environ = environ
        self.actual, problems = unchecked(environ)
        # Every line but `debug` is judged as production would read this environment: what is
        # wrong with FLASK_ENV alone is said once, not in each line whose default it changes.
        others = {name: environ[name] for name in environ if name not in {"FLASK_ENV", "APP_ENV"}}
        self.settings, others_problems = unchecked(others | {"FLASK_ENV": "production"})
        self.problems = [
            *(each for each in problems if each.startswith("FLASK_ENV")),
            *others_problems,
            *self.settings.problems(),
        ]
        self.deployed = deployed
        self.plain_url = plain_url
        self.instances = instances
        self._straight = Site(_address(self.settings), remedy=SEE_HEALTH)
        self._url = url or self.settings.PUBLIC_URL
        self._public: Site | None = None
        self._database: asyncio.Task[Database] | None = None

    @property
    def straight(self) -> Site:
        """The service on the port it listens on. Raises `Unknowable`."""
        self.require("PORT", line="configuration")
        return self._straight

    @property
    def public(self) -> Site:
        """The service through its proxy. Raises `Unknowable`."""
        if not self._url:
            raise Unknowable("where clients reach the service is not known", "set PUBLIC_URL")
        if self._public is None:
            if not _is_web(self._url):
                raise Unknowable(f"{self._url!r} is no URL", "set PUBLIC_URL to https://<name>")
            self._public = Site(self._url, remedy=SEE_HTTPS)
        return self._public

    def sites(self) -> tuple[Site, Site]:
        """The service straight and through its proxy. Raises `Unknowable`."""
        return self.straight, self.public

    def flaws(self, *keys: str) -> list[str]:
        """What the configuration itself finds wrong with these keys, a sentence each."""
        return [each for each in self.problems if each.split(maxsplit=1)[0] in keys]

    def require(self, *keys: str, line: str) -> None:
        """Raises `Unknowable` when one of these keys could not be read, by which `line` fails."""
        if self.flaws(*keys):
            raise Unknowable(f"{' or '.join(keys)} cannot be used", f"see the line {line}")

    def secrets(self) -> dict[str, str]:
        """Every secret value there is, by what it is; none so short that it occurs by chance."""
        connect_args = self.settings.SQLALCHEMY_ENGINE_OPTIONS.get("connect_args") or {}
        found = {
            "SECRET_KEY": self.settings.SECRET_KEY,
            "JWT_SECRET_KEY": self.settings.JWT_SECRET_KEY,
            **_numbered("SECRET_KEY_FALLBACKS", self.settings.SECRET_KEY_FALLBACKS),
            **_numbered("JWT_SECRET_KEY_FALLBACKS", self.settings.JWT_SECRET_KEY_FALLBACKS),
            "the database's password": str(connect_args.get("password") or "")
            or password_in(self.settings.SQLALCHEMY_DATABASE_URI),
            "the migrations' password": password_in(self.settings.MIGRATION_DATABASE_URL),
            "the rate limit store's password": password_in(self.settings.RATELIMIT_STORAGE_URI),
            "SENTRY_DSN": self.settings.SENTRY_DSN,
            "OTEL_EXPORTER_OTLP_HEADERS": self.settings.OTEL_EXPORTER_OTLP_HEADERS,
        }
        return {name: value for name, value in found.items() if len(value) >= SHORTEST_SECRET}

    def database_hosts(self) -> Sequence[str]:
        """Where PostgreSQL itself is, whatever stands before it."""
        settings = self.settings
        direct = settings.MIGRATION_DATABASE_URL if settings.DATABASE_POOLER else ""
        return hosts_in(direct or settings.SQLALCHEMY_DATABASE_URI)

    async def database(self) -> Database:
        """The database, which has answered once. Raises `Unknowable`."""
        if self._database is None:
            self._database = asyncio.ensure_future(self._connected())
        return await asyncio.shield(self._database)

    async def _connected(self) -> Database:
        url = self.settings.SQLALCHEMY_DATABASE_URI
        if not url:
            raise Unknowable("there is no database", SEE_DATABASE)
        options = self.settings.SQLALCHEMY_ENGINE_OPTIONS
        pool = {"pool_size": CONNECTIONS, "max_overflow": 0}
        try:
            database = Database(
                url,
                pool | {each: options[each] for each in ("connect_args",) if each in options},
                statement_timeout=STATEMENT_LIMIT,
                pooler=self.settings.DATABASE_POOLER,
            )
            await database.ping(timeout=CONNECT_LIMIT)
        except DatabaseUnavailable as error:
            raise Unknowable(
                f"the database does not answer: {error.reason}", SEE_DATABASE
            ) from None
        except (DatabaseURLError, ArgumentError, ValueError) as error:
            raise Unknowable(f"DATABASE_URL {error}", SEE_DATABASE) from None
        return database

    async def close(self) -> None:
        """Closes the connections to the database, or leaves them when it does not answer."""
        with suppress(Unknowable, TimeoutError, asyncio.CancelledError):
            if self._database is not None:
                async with asyncio.timeout(CLOSE_LIMIT):
                    await (await self._database).close()


def password_in(url: str) -> str:
    """The password in a URL's authority or query; empty without one."""
    try:
        parts = urlsplit(url)
        written = parts.password or ""
    except ValueError:
        return ""
    return unquote(written) or next(iter(parse_qs(parts.query).get("password", [])), "")


def _is_web(url: str) -> bool:
    try:
        parts = urlsplit(url)
        return parts.scheme in {"http", "https"} and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _address(settings: Config) -> str:
    """The service without its proxy: the port it listens on, on this machine."""
    host = settings.HOST
    with suppress(ValueError):
        address = ip_address(host)
        if address.is_unspecified:
            host = "127.0.0.1" if address.version == 4 else "::1"
    return f"http://[{host}]:{settings.PORT}" if ":" in host else f"http://{host}:{settings.PORT}"


def _numbered(name: str, values: tuple[str, ...]) -> dict[str, str]:
    return {f"{name} {number}": value for number, value in enumerate(values, start=1)}
