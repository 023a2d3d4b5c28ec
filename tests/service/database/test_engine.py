"""One pool: reads in autocommit, writes in a transaction, and every wait has an end."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import pytest
import sqlalchemy as sa

from service.database.engine import Database, DatabaseUnavailable
from service.observability.logging import exception_fields

PID = sa.text("SELECT pg_backend_pid()")
SLEEP = sa.text("SELECT pg_sleep(30)")


@pytest.fixture
async def open_database(database: str) -> AsyncIterator[Callable[..., Database]]:
    """Opens the test's database with these engine options; closed at the end."""
    opened: list[Database] = []

    def begin(statement_timeout: float = 10.0, **options: Any) -> Database:
        opened.append(Database(database, options, statement_timeout=statement_timeout))
        return opened[-1]

    yield begin
    for each in opened:
        await each.close()


async def count(database: Database) -> int:
    async with database.reading() as reader:
        return int(await reader.scalar(sa.text("SELECT count(*) FROM users")) or 0)


INSERT = sa.text("INSERT INTO users (email, password_hash) VALUES ('a@b.cd', 'x')")


async def test_write_is_committed_at_the_end_of_its_block(
    open_database: Callable[..., Database],
) -> None:
    database = open_database()
    async with database.writing() as writer:
        await writer.execute(INSERT)
        assert await count(database) == 0
    assert await count(database) == 1


async def test_write_that_fails_or_is_cancelled_leaves_nothing(
    open_database: Callable[..., Database],
) -> None:
    database = open_database()

    async def write_and_fail() -> None:
        async with database.writing() as writer:
            await writer.execute(INSERT)
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await write_and_fail()
    inserted = asyncio.Event()

    async def write_and_wait() -> None:
        async with database.writing() as writer:
            await writer.execute(INSERT)
            inserted.set()
            await writer.execute(SLEEP)

    # As Quart does when the client disconnects.
    task = asyncio.create_task(write_and_wait())
    await inserted.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert await count(database) == 0


async def test_read_opens_no_transaction(open_database: Callable[..., Database]) -> None:
    database = open_database()
    async with database.reading() as reader:
        first = await reader.scalar(sa.text("SELECT clock_timestamp() - now() < interval '1 h'"))
        assert first
        # In one transaction now() would stand still.
        earlier = await reader.scalar(sa.text("SELECT now()"))
        later = await reader.scalar(sa.text("SELECT now()"))
        assert later > earlier


async def test_connection_after_a_write_reads_in_autocommit_again(
    open_database: Callable[..., Database],
) -> None:
    database = open_database(pool_size=1, max_overflow=0)
    async with database.writing() as writer:
        writing_pid = await writer.scalar(PID)
    async with database.reading() as reader:
        assert await reader.scalar(PID) == writing_pid
        earlier = await reader.scalar(sa.text("SELECT now()"))
        assert await reader.scalar(sa.text("SELECT now()")) > earlier


async def test_exhausted_pool_is_unavailable(open_database: Callable[..., Database]) -> None:
    database = open_database(pool_size=1, max_overflow=1, pool_timeout=0.1)
    async with database.reading(), database.reading():
        with pytest.raises(DatabaseUnavailable, match="pool timeout"):
            await count(database)
    assert await count(database) == 0


async def test_connections_beyond_the_size_are_kept(
    open_database: Callable[..., Database],
) -> None:
    database = open_database(pool_size=1, max_overflow=2)

    async def pids() -> set[int]:
        async with database.reading() as a, database.reading() as b, database.reading() as c:
            return {await each.scalar(PID) for each in (a, b, c)}

    assert await pids() == await pids()


async def test_slow_statement_is_ended(open_database: Callable[..., Database]) -> None:
    database = open_database(statement_timeout=0.2)
    with pytest.raises(DatabaseUnavailable, match="statement timeout"):
        async with database.reading() as reader:
            await reader.execute(SLEEP)


async def test_connection_that_died_while_idle_is_replaced(
    open_database: Callable[..., Database], monkeypatch: pytest.MonkeyPatch
) -> None:
    database, other = open_database(pool_size=1, max_overflow=0), open_database()
    async with database.reading() as reader:
        pid = await reader.scalar(PID)
    async with other.reading() as reader:
        await reader.execute(sa.text("SELECT pg_terminate_backend(:pid, 5000)"), {"pid": pid})
    # What lay idle for a second is pinged: here, for a moment.
    monkeypatch.setattr("service.database.engine.FRESH", 0.0)
    async with database.reading() as reader:
        assert await reader.scalar(PID) != pid


async def test_connection_that_dies_in_use_is_unavailable(
    open_database: Callable[..., Database],
) -> None:
    database, other = open_database(), open_database()

    async def lose_the_connection() -> None:
        async with database.reading() as reader:
            pid = await reader.scalar(PID)
            async with other.reading() as killer:
                statement = sa.text("SELECT pg_terminate_backend(:pid, 5000)")
                await killer.execute(statement, {"pid": pid})
            await reader.scalar(PID)

    with pytest.raises(DatabaseUnavailable, match="connection lost"):
        await lose_the_connection()
    assert await count(database) == 0


async def test_pings_at_the_same_moment_share_one_connection(
    open_database: Callable[..., Database],
) -> None:
    database = open_database(pool_size=1, max_overflow=0, pool_timeout=0.1)
    await asyncio.gather(*(database.ping(timeout=5) for _ in range(50)))


async def test_a_bug_is_not_called_unavailable(open_database: Callable[..., Database]) -> None:
    with pytest.raises(sa.exc.ProgrammingError):
        async with open_database().reading() as reader:
            await reader.execute(sa.text("SELECT nothing FROM nowhere"))


async def test_values_of_a_failing_statement_are_not_told(
    open_database: Callable[..., Database],
) -> None:
    with pytest.raises(sa.exc.DBAPIError) as caught:
        async with open_database().writing() as writer:
            await writer.execute(
                sa.text("INSERT INTO users (email, role) VALUES (:email, :role)"),
                {"email": "private@example.com", "role": "hunter2"},
            )
    # PostgreSQL repeats the row in its DETAIL, so what reaches the log ends before that.
    logged = exception_fields(caught.value)["message"]
    assert "null value in column" in logged
    assert "private" not in logged
    assert "hunter2" not in logged
