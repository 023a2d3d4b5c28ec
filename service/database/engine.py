"""One pool: reads in autocommit, writes in a transaction, and a time limit on every wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager, suppress
from time import monotonic
from typing import Any, NewType, cast

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.exc import DBAPIError, DisconnectionError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from service.database import pooler as pooling
from service.database.pool import CountingPool, PoolState
from service.database.url import DatabaseURL, translate

Reader = NewType("Reader", AsyncConnection)
"""A connection in autocommit: a SELECT costs one round trip, no BEGIN and no ROLLBACK."""
Writer = NewType("Writer", Reader)
"""A connection in a transaction, which ends when the block does: committed, or rolled back."""

POOL_DEFAULTS: Mapping[str, Any] = {
    "pool_size": 10,
    "max_overflow": 20,
    "pool_recycle": 3600,
    "pool_pre_ping": True,
    "pool_timeout": 5.0,
}
CONNECT_TIMEOUT = 5.0
# The server cancels a slow statement first; this is for a server that no longer answers at all.
CLIENT_GRACE = 1.0
# A connection used within this many seconds is taken to be alive.
FRESH = 1.0


class DatabaseUnavailable(Exception):  # noqa: N818 - the name the caller reads is the state
    """The database cannot answer now. `reason` is one of a few fixed phrases: no host, no SQL."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason


def create_engine(
    url: DatabaseURL, options: Mapping[str, Any], *, statement_timeout: float, pooler: str = ""
) -> AsyncEngine:
    """An engine in autocommit whose pool pings only what has lain idle.

    `options`: as `create_async_engine` takes them, without `connect_args`. `statement_timeout`:
    seconds. `pooler`: what stands between, as DATABASE_POOLER has it; then not in autocommit.
    """
    options = {**POOL_DEFAULTS, **options}
    pre_ping = options.pop("pool_pre_ping")
    # SQLAlchemy closes an overflow connection as soon as it is returned. Threads seldom overflow;
    # coroutines do all the time, and connecting costs ten queries. So the same number may be open,
    # but each is kept once opened, and the one used last is used next.
    options["pool_size"] += options.pop("max_overflow")
    options |= {"max_overflow": 0, "pool_use_lifo": True}
    engine = create_async_engine(
        "postgresql+asyncpg://",
        isolation_level="READ COMMITTED" if pooler else "AUTOCOMMIT",
        poolclass=CountingPool,
        hide_parameters=True,  # a failing statement's values are somebody's password or address
        connect_args={
            "dsn": url.dsn,
            "timeout": url.connect_timeout or CONNECT_TIMEOUT,
            "command_timeout": statement_timeout + CLIENT_GRACE,
            "server_settings": {"statement_timeout": str(int(statement_timeout * 1000))},
            **({"ssl": url.tls} if url.tls else {}),
            **(pooling.connect_args(statement_timeout) if pooler else {}),
        },
        **options,
    )
    if pre_ping:
        _ping_what_lay_idle(engine)
    return engine


def _ping_what_lay_idle(engine: AsyncEngine) -> None:
    """A ping is a round trip: SQLAlchemy's own is paid on every checkout, this one when due."""

    @event.listens_for(engine.sync_engine, "checkin")
    def note_the_time(_connection: Any, record: Any) -> None:
        record.info["released"] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ping(connection: Any, record: Any, _proxy: Any) -> None:
        released = record.info.get("released")
        if released is not None and monotonic() - released > FRESH:
            try:
                engine.dialect.do_ping(connection)
            except Exception as error:
                raise DisconnectionError from error


class Database:
    """The service's database: opened when the process starts, closed after the last request."""

    def __init__(
        self,
        url: str,
        engine_options: Mapping[str, Any],
        *,
        statement_timeout: float,
        pooler: str = "",
    ) -> None:
        options = dict(engine_options)
        connect_args = options.pop("connect_args", None)
        self.engine = create_engine(
            translate(url, connect_args),
            options,
            statement_timeout=statement_timeout,
            pooler=pooler,
        )
        self._probe: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A connection for SELECTs. Raises `DatabaseUnavailable`."""
        with unavailability():
            async with self.engine.connect() as connection:
                yield Reader(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writer]:
        """A transaction around the block. Raises `DatabaseUnavailable`."""
        with unavailability():
            async with self.engine.connect() as connection:
                await connection.execution_options(isolation_level="READ COMMITTED")
                async with connection.begin():
                    yield Writer(Reader(connection))

    async def ping(self, *, timeout: float) -> None:
        """One round trip. Raises `DatabaseUnavailable`, after `timeout` seconds at the latest.

        Callers at the same moment share one probe, so a health check that many ask for costs the
        pool one connection; and nobody waits for a stuck probe to notice its own cancellation.
        """
        probe = self._probe
        if probe is None or probe.done():
            probe = self._probe = asyncio.create_task(self._select_one())
        done, _ = await asyncio.wait({probe}, timeout=timeout)
        if not done:
            probe.cancel()
            probe.add_done_callback(_forget_outcome)
            raise DatabaseUnavailable("timeout")
        with suppress(asyncio.CancelledError):
            return probe.result()
        raise DatabaseUnavailable("timeout")

    async def _select_one(self) -> None:
        async with self.reading() as connection:
            await connection.execute(sa.text("SELECT 1"))

    def pool_state(self) -> PoolState:
        """The connections of this process, and who waits for one."""
        return cast("CountingPool", self.engine.pool).state()

    async def close(self) -> None:
        """Closes every connection."""
        await self.engine.dispose()


def _forget_outcome(task: asyncio.Task[None]) -> None:
    if not task.cancelled():
        task.exception()


@contextmanager
def unavailability() -> Iterator[None]:
    """What means "not now" in the block raises `DatabaseUnavailable`; a bug stays what it is."""
    try:
        yield
    except Exception as error:
        reason = _reason(error)
        if reason is None:
            raise
        raise DatabaseUnavailable(reason) from error


def _reason(error: BaseException | None) -> str | None:
    if isinstance(error, DBAPIError):
        cause = error.orig.__cause__ if error.orig else None
        return _reason(cause) or ("connection lost" if error.connection_invalidated else None)
    if isinstance(error, asyncpg.ProtocolViolationError) and "startup parameter" in str(error):
        return "refused by a pooler: set DATABASE_POOLER"
    for kind, reason in REASONS:
        if isinstance(error, kind):
            return reason
    return None


REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (PoolTimeoutError, "pool timeout"),
    (asyncpg.QueryCanceledError, "statement timeout"),
    (asyncpg.InvalidAuthorizationSpecificationError, "authentication failed"),
    (asyncpg.InvalidCatalogNameError, "database does not exist"),
    (asyncpg.TooManyConnectionsError, "too many connections"),
    (asyncpg.CannotConnectNowError, "starting up or shutting down"),
    (asyncpg.AdminShutdownError, "connection lost"),
    (asyncpg.CrashShutdownError, "connection lost"),
    (asyncpg.PostgresConnectionError, "connection lost"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection refused"),
    (OSError, "cannot connect"),
)
