"""One SELECT by itself: its connection is soon back, or ended if nobody knows what it does."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from service.database.engine import Database, DatabaseUnavailable, Query
from tests.support import free_port

PID = Query(sa.select(sa.func.pg_backend_pid()))
ECHO = Query(sa.select(sa.bindparam("a", type_=sa.Integer), sa.literal("b"), sa.bindparam("a")))
SLEEP = Query(sa.select(sa.func.pg_sleep(sa.bindparam("seconds", type_=sa.Float))))
KILL = Query(sa.select(sa.func.pg_terminate_backend(sa.bindparam("pid", type_=sa.Integer), 5000)))
SLEEPING = Query(
    sa.select(sa.literal_column("1"))
    .select_from(sa.table("pg_stat_activity"))
    .where(
        sa.column("pid") == sa.bindparam("pid", type_=sa.Integer),
        sa.column("wait_event") == "PgSleep",
    )
)
WRONG = Query(sa.select(sa.column("nothing")).select_from(sa.table("nowhere")))


@pytest.fixture
async def one(database: str) -> AsyncIterator[Callable[..., Database]]:
    """Opens a database with one connection; closed at the end."""
    opened: list[Database] = []

    def begin(url: str = database, statement_timeout: float = 10.0, **more: Any) -> Database:
        options = {"pool_size": 1, "max_overflow": 0, "pool_timeout": 0.2}
        opened.append(Database(url, options, statement_timeout=statement_timeout, **more))
        return opened[-1]

    yield begin
    for each in opened:
        await each.close()


async def pid(database: Database) -> int:
    [[found]] = await database.select(PID, {})
    return int(found)


async def until_sleeping(database: Database, backend: int) -> None:
    for _ in range(1000):
        if await database.select(SLEEPING, {"pid": backend}):
            return
        await asyncio.sleep(0.01)
    pytest.fail("the statement did not begin")


@pytest.mark.parametrize("watched", [False, True])
async def test_values_are_bound_by_name(one: Callable[..., Database], watched: bool) -> None:
    database = one()
    if watched:
        database.watch_statements()
    [row] = await database.select(ECHO, {"a": 7})
    assert tuple(row) == (7, "b", 7)


def test_in_has_no_fixed_text() -> None:
    with pytest.raises(ValueError, match="no fixed text"):
        Query(sa.select(sa.column("a")).where(sa.column("a").in_([1, 2])))


async def test_connection_is_given_back(one: Callable[..., Database]) -> None:
    database = one()
    assert len({await pid(database) for _ in range(3)}) == 1
    async with database.reading() as reader:  # the same one
        assert await reader.scalar(PID.statement) == await reader.scalar(PID.statement)
    assert database.pool_state().in_use == 0


async def test_watched_statements_are_seen_by_the_engine(one: Callable[..., Database]) -> None:
    database = one()
    seen: list[str] = []

    def see(_connection: Any, _cursor: Any, statement: str, *_: Any) -> None:
        seen.append(statement)

    sa.event.listen(database.engine.sync_engine, "before_cursor_execute", see)
    await pid(database)
    assert seen == []
    database.watch_statements()
    await pid(database)
    assert seen == ["SELECT pg_backend_pid() AS pg_backend_pid_1"]


async def test_bug_is_not_called_unavailable(one: Callable[..., Database]) -> None:
    database = one()
    before = await pid(database)
    with pytest.raises(asyncpg.UndefinedTableError):
        await database.select(WRONG, {})
    assert await pid(database) == before


async def test_pool_without_a_connection_left_is_unavailable(one: Callable[..., Database]) -> None:
    database = one()
    async with database.reading():
        with pytest.raises(DatabaseUnavailable, match="pool timeout"):
            await pid(database)
    assert await pid(database)


async def test_slow_statement_is_ended(one: Callable[..., Database]) -> None:
    database = one(statement_timeout=0.2)
    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        await database.select(SLEEP, {"seconds": 30.0})
    assert await pid(database)


async def test_cancelled_statement_takes_its_connection_along(
    one: Callable[..., Database],
) -> None:
    database = one()
    before = await pid(database)
    sleeping = asyncio.create_task(database.select(SLEEP, {"seconds": 30.0}))
    await until_sleeping(one(), before)
    sleeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await sleeping
    assert await pid(database) != before
    assert database.pool_state().in_use == 0


async def test_connection_that_dies_in_use_is_unavailable(one: Callable[..., Database]) -> None:
    database, other = one(), one()
    before = await pid(database)
    sleeping = asyncio.create_task(database.select(SLEEP, {"seconds": 30.0}))
    await until_sleeping(other, before)
    await other.select(KILL, {"pid": before})
    with pytest.raises(DatabaseUnavailable, match="connection lost"):
        await sleeping
    assert await pid(database) != before


async def test_connection_that_died_while_idle_is_replaced(
    one: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, other = one(), one()
    before = await pid(database)
    await other.select(KILL, {"pid": before})
    # What lay idle for a second is pinged: here, for a moment.
    monkeypatch.setattr("service.database.engine.FRESH", 0.0)
    assert await pid(database) != before


async def test_connection_that_takes_its_leave_while_idle_is_unavailable(
    one: Callable[..., Database],
) -> None:
    """PostgreSQL has said so, and closes a moment later."""
    database = one()
    before = await pid(database)
    async with database.reading() as reader:
        driver = (await reader.get_raw_connection()).driver_connection
    fields = b"SFATAL\0C57P01\0Mterminating connection due to administrator command\0\0"
    driver._protocol.data_received(b"E" + (4 + len(fields)).to_bytes(4, "big") + fields)
    with pytest.raises(DatabaseUnavailable, match="connection lost"):
        await pid(database)
    assert await pid(database) != before


async def test_table_that_changed_is_read_anew(one: Callable[..., Database]) -> None:
    """A migration makes PostgreSQL refuse a plan that is prepared already."""
    database, other = one(), one()
    query = Query(sa.select(sa.text("*")).select_from(sa.table("growing")))
    async with other.reading() as reader:
        await reader.execute(sa.text("CREATE TABLE growing AS SELECT 1 AS a"))
        assert [tuple(row) for row in await database.select(query, {})] == [(1,)]
        await reader.execute(sa.text("ALTER TABLE growing ADD COLUMN b integer DEFAULT 2"))
        assert [tuple(row) for row in await database.select(query, {})] == [(1, 2)]


async def test_database_that_is_not_there_is_unavailable(one: Callable[..., Database]) -> None:
    database = one(f"postgresql://nobody@127.0.0.1:{free_port()}/nothing")
    with pytest.raises(DatabaseUnavailable, match="connection refused"):
        await pid(database)
    # From then on nobody waits to hear it.
    with pytest.raises(DatabaseUnavailable) as caught:
        await pid(database)
    assert caught.value.outage
