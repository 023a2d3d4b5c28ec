"""One pool: reads in autocommit, writes in a transaction, and a time limit on every wait."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from time import monotonic
from typing import Any, NewType, cast

import asyncpg
import sqlalchemy as sa
from sqlalchemy import event
from sqlalchemy.engine import ExceptionContext
from sqlalchemy.exc import DisconnectionError
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine
from sqlalchemy.pool import PoolProxiedConnection

from service.database.breaker import SILENCE, Breaker
from service.database.connections import CLIENT_GRACE, Connection, Connections
from service.database.pool import CountingPool, PoolState
from service.database.pooler import DIALECT_ARGS
from service.database.query import Query
from service.database.unavailable import DatabaseUnavailable, unavailability
from service.database.url import DatabaseURL, translate

__all__ = [
    "POOL_DEFAULTS",
    "Database",
    "DatabaseUnavailable",
    "Query",
    "Reader",
    "Writer",
    "create_engine",
    "unavailability",
]

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
# A connection used within this many seconds is taken to be alive, if nobody has closed it.
FRESH = 1.0
PING_LIMIT = 2.0
CLOSE_LIMIT = 1.5

ONE = sa.text("SELECT 1")


def create_engine(
    url: DatabaseURL, options: Mapping[str, Any], *, statement_timeout: float, pooler: str = ""
) -> AsyncEngine:
    """An engine in autocommit whose pool pings only what has lain idle.

    `options`: as `create_async_engine` takes them, without `connect_args`. `statement_timeout`:
    seconds. `pooler`: what stands between, as DATABASE_POOLER has it; then not in autocommit.
    """
    connections = Connections(url, statement_timeout=statement_timeout, pooler=pooler)
    return _engine(connections, options, pooler)


def _engine(connections: Connections, options: Mapping[str, Any], pooler: str) -> AsyncEngine:
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
            "async_creator_fn": connections.open,
            **(DIALECT_ARGS if pooler else {}),
        },
        **options,
    )
    event.listen(engine.sync_engine, "handle_error", _only_this_connection)
    if pre_ping:
        _ping_what_lay_idle(engine)
    return engine


def _only_this_connection(context: ExceptionContext) -> None:
    """A connection that is lost says nothing of the others, and one on which not even the server's
    own time limit is heard of is lost: nobody is to wait for its ROLLBACK."""
    context.invalidate_pool_on_disconnect = False
    if isinstance(context.original_exception, TimeoutError) and context.connection is not None:
        driver = context.connection.connection.driver_connection
        cast("Connection", driver).terminate()
        context.is_disconnect = True


def _ping_what_lay_idle(engine: AsyncEngine) -> None:
    """A ping is a round trip: SQLAlchemy's own is paid on every checkout, this one when due."""

    @event.listens_for(engine.sync_engine, "checkin")
    def note_the_time(_connection: Any, record: Any) -> None:
        record.info["released"] = monotonic()

    @event.listens_for(engine.sync_engine, "checkout")
    def ping(connection: Any, record: Any, _proxy: Any) -> None:
        driver = connection.driver_connection
        if driver.is_closed():
            raise DisconnectionError
        released = record.info.get("released")
        if released is not None and monotonic() - released > FRESH:
            try:
                connection.run_async(_ping)
            except Exception as error:
                driver.terminate()
                raise DisconnectionError from error


async def _ping(connection: asyncpg.Connection) -> None:
    await connection.execute("SELECT 1", timeout=PING_LIMIT)


async def _fetch(
    connection: PoolProxiedConnection, query: Query, values: Mapping[str, Any]
) -> Sequence[Sequence[Any]]:
    """Gives the connection back to the pool; one of which nobody knows what it does is ended."""
    driver = cast("Connection", connection.driver_connection)
    try:
        rows: Sequence[Sequence[Any]] = await driver.fetch(query.sql, *query.arguments(values))
    except asyncpg.PostgresError:
        raise
    except BaseException:
        driver.terminate()
        raise
    finally:
        if driver.is_closed():
            connection.invalidate()
        connection.close()
    return rows


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
        self._connections = Connections(
            translate(url, connect_args), statement_timeout=statement_timeout, pooler=pooler
        )
        self.engine = _engine(self._connections, options, pooler)
        # A pooler wants a transaction around each statement.
        self._direct = not pooler
        self.breaker = Breaker(
            self._connections,
            lambda: self.engine.sync_engine.dispose(close=False),
            # A pooler whose connections are all in use is silent as well, for a statement's time.
            silence=statement_timeout + CLIENT_GRACE if pooler else SILENCE,
        )

    def watch_statements(self) -> None:
        """From now on every statement is seen by who listens to SQLAlchemy's engine."""
        self._direct = False

    async def select(self, query: Query, values: Mapping[str, Any]) -> Sequence[Sequence[Any]]:
        """The rows a query finds, on a connection of the pool that is held no longer than that.
        Raises `DatabaseUnavailable`.

        asyncpg runs it: through the rest of SQLAlchemy it would cost three times as much."""
        if not self._direct:
            async with self.reading() as reader:
                return list(await reader.execute(query.statement, values))
        async with self.breaker:
            async with self.breaker.waits.wait():
                connection = await self.engine.raw_connection()
            return await _fetch(connection, query, values)

    @asynccontextmanager
    async def reading(self) -> AsyncIterator[Reader]:
        """A connection for SELECTs. Raises `DatabaseUnavailable`."""
        async with self._connected() as connection:
            yield Reader(connection)

    @asynccontextmanager
    async def writing(self) -> AsyncIterator[Writer]:
        """A transaction around the block. Raises `DatabaseUnavailable`."""
        async with self._connected() as connection:
            await connection.execution_options(isolation_level="READ COMMITTED")
            async with connection.begin():
                yield Writer(Reader(connection))

    @asynccontextmanager
    async def _connected(self) -> AsyncIterator[AsyncConnection]:
        waits = self.breaker.waits
        async with self.breaker, waits.wait() as wait, self.engine.connect() as connection:
            wait.over()
            yield connection

    async def ping(self, *, timeout: float) -> None:
        """Whether the database answers, asked beside the pool. Raises `DatabaseUnavailable`, after
        `timeout` seconds at the latest.

        Callers at the same moment share one question."""
        if not await self._probe_answers(timeout):
            await self._column_by_pool(ONE, timeout)

    async def column(self, query: sa.TextClause, *, timeout: float) -> list[Any]:
        """The first column of a short query, asked beside the pool. Raises `DatabaseUnavailable`,
        or asyncpg's or SQLAlchemy's error for what is wrong with the query."""
        if not await self._probe_answers(timeout):
            return await self._column_by_pool(query, timeout)
        async with self.breaker, asyncio.timeout(timeout):
            return await self.breaker.probe.column(query.text)

    async def _probe_answers(self, timeout: float) -> bool:
        """False if PostgreSQL refuses the probe a connection, while the pool has some. Raises
        `DatabaseUnavailable`."""
        reason = await self.breaker.ask(timeout)
        outage = self.breaker.reason is not None
        if outage or reason == "timeout" or (reason and not self._connections.any_is_open()):
            raise DatabaseUnavailable(reason or "connection lost", outage=outage)
        return reason is None

    async def _column_by_pool(self, query: sa.TextClause, timeout: float) -> list[Any]:
        try:
            async with asyncio.timeout(timeout), self.reading() as reader:
                return list(await reader.scalars(query))
        except TimeoutError:
            raise DatabaseUnavailable("timeout") from None

    def pool_state(self) -> PoolState:
        """The connections of this process, and who waits for one."""
        return cast("CountingPool", self.engine.pool).state()

    async def close(self) -> None:
        """Closes every connection, within `CLOSE_LIMIT`: those of a database that does not join in
        are cut."""
        await self.breaker.close()
        closing = asyncio.create_task(self.engine.dispose())
        await asyncio.wait({closing}, timeout=CLOSE_LIMIT)
        self._connections.cut()
        await closing
