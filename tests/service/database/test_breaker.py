"""The database stopped, frozen, cut off or slow: nobody waits past a limit, an outage is told once,
and what is none of these is not called one."""

import asyncio
import signal
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from typing import Any

import asyncpg
import pytest
import sqlalchemy as sa

from service.database.breaker import Change
from service.database.engine import Database, DatabaseUnavailable
from tests.faults.postgres import Postgres, postgres
from tests.support import silent_port

# How soon a frozen database is noticed, and one that is back; the rest is for a busy machine.
NOTICED = 1.5
BACK = 0.5
SLACK = 1.0

# What is said first of a server that stops, depending on how far it has got.
GONE = {"connection refused", "connection lost", "cannot connect", "starting up or shutting down"}
ONE = sa.text("SELECT 1")
REVISION = sa.text("SELECT version_num FROM alembic_version")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of this module's own, which each test leaves running."""
    with postgres(tmp_path_factory.mktemp("breaker") / "postgres") as running:
        yield running


class Opened:
    """A database that notes its changes."""

    def __init__(self, url: str, statement_timeout: float, **options: Any) -> None:
        self.database = Database(url, options, statement_timeout=statement_timeout)
        self.changes: list[Change] = []
        self.database.breaker.on_change = self.changes.append

    @property
    def reasons(self) -> list[str | None]:
        """Of the changes so far."""
        return [each.reason for each in self.changes]


Open = Callable[..., Opened]


@pytest.fixture
async def opened(server: Postgres) -> AsyncIterator[Open]:
    """Opens the server's database, or another URL; closed at the end."""
    # A statement goes on when its client has been cut off.
    await asyncio.to_thread(server.terminate_backends)
    await asyncio.to_thread(server.wait_for_none)
    held: list[Opened] = []

    def begin(url: str = "", statement_timeout: float = 15.0, **options: Any) -> Opened:
        held.append(Opened(url or server.url, statement_timeout, **options))
        return held[-1]

    yield begin
    for each in held:
        await each.database.close()


async def read(database: Database) -> None:
    async with database.reading() as reader:
        await reader.execute(ONE)


async def write(database: Database) -> None:
    async with database.writing() as writer:
        await writer.execute(ONE)


async def sleep(database: Database, seconds: float) -> None:
    async with database.reading() as reader:
        await reader.execute(sa.text("SELECT pg_sleep(:seconds)"), {"seconds": seconds})


async def hold_a_transaction(database: Database, begun: asyncio.Event, end: asyncio.Event) -> None:
    """Between two statements while the fault happens, and commits after it."""
    async with database.writing() as writer:
        await writer.execute(ONE)
        begun.set()
        await end.wait()


async def refused(work: asyncio.Future[None], within: float) -> str:
    """The reason of its `DatabaseUnavailable`, which comes in that time."""
    done, _ = await asyncio.wait({work}, timeout=within)
    assert done, "it still waits"
    error = work.exception()
    assert isinstance(error, DatabaseUnavailable), repr(error)
    return error.reason


async def back(database: Database, within: float = BACK + SLACK) -> None:
    """Until it answers again, by itself."""
    async with asyncio.timeout(within):
        while True:
            with suppress(DatabaseUnavailable):
                return await read(database)
            await asyncio.sleep(0.01)


async def settled(condition: Callable[[], object], within: float = 5.0) -> None:
    async with asyncio.timeout(within):
        while not condition():  # noqa: ASYNC110 - of another task's
            await asyncio.sleep(0.01)


async def everybody(database: Database, end: asyncio.Event) -> list[asyncio.Task[None]]:
    """Somebody in each place where one can wait: with two connections, all in use."""
    begun = asyncio.Event()
    tasks = [
        asyncio.create_task(hold_a_transaction(database, begun, end)),
        asyncio.create_task(sleep(database, 60)),
    ]
    await begun.wait()
    await settled(lambda: database.pool_state().in_use == 2)
    waiting = [asyncio.create_task(read(database)), asyncio.create_task(write(database))]
    await settled(lambda: database.pool_state().waiting == 2)
    return [*tasks, *waiting]


SMALL = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 30}


@pytest.mark.parametrize("signum", [signal.SIGINT, signal.SIGQUIT], ids=["fast", "immediate"])
async def test_stopped(server: Postgres, opened: Open, signum: int) -> None:
    it = opened(**SMALL)
    database, end = it.database, asyncio.Event()
    holder, *others = await everybody(database, end)
    await database.ping(timeout=1.5)
    try:
        await asyncio.to_thread(server.stop, signum)
        for each in others:
            await refused(each, SLACK)
        end.set()
        await refused(holder, SLACK)
        await settled(lambda: it.changes)
        assert it.reasons[0] in GONE
        started = time.perf_counter()
        for _ in range(100):
            with pytest.raises(DatabaseUnavailable) as caught:
                await read(database)
            assert caught.value.outage
            with pytest.raises(DatabaseUnavailable):
                await database.ping(timeout=1.5)
        assert time.perf_counter() - started < 100 * 0.01
        assert database.pool_state()[:2] == (0, 0)
    finally:
        await asyncio.to_thread(server.start)
    await back(database)
    assert it.reasons[1:] == [None]
    assert it.changes[-1].seconds > 0


async def test_frozen(server: Postgres, opened: Open) -> None:
    it = opened(**SMALL)
    database, end = it.database, asyncio.Event()
    holder, *others = await everybody(database, end)
    with server.frozen():
        end.set()  # its COMMIT is never answered
        started = time.perf_counter()
        ping = asyncio.ensure_future(database.ping(timeout=1.5))
        for each in (ping, holder, *others):
            assert await refused(each, NOTICED + SLACK) == "timeout"
        assert time.perf_counter() - started < NOTICED + SLACK
        assert it.reasons == ["timeout"]
        for ask in (read, write, lambda it: it.ping(timeout=1.5)):
            started = time.perf_counter()
            with pytest.raises(DatabaseUnavailable, match="timeout"):
                await ask(database)
            assert time.perf_counter() - started < 0.01 + SLACK / 10
    await back(database)
    assert it.reasons == ["timeout", None]


async def test_frozen_while_idle(server: Postgres, opened: Open) -> None:
    """The first to come is who notices: on a connection that is pinged, or one not opened yet."""
    pinged, new = opened(), opened()
    await read(pinged.database)
    await asyncio.sleep(1.1)  # FRESH
    with server.frozen():
        for each in (pinged, new):
            await refused(asyncio.ensure_future(read(each.database)), NOTICED + SLACK)
            assert each.reasons == ["timeout"]
    for each in (pinged, new):
        await back(each.database)


async def test_cancelled_on_a_frozen_server_ends(server: Postgres, opened: Open) -> None:
    """As a client that leaves, or a request that is ended: asyncpg asks the server to cancel."""
    database = opened().database
    work = asyncio.create_task(sleep(database, 60))
    await settled(lambda: database.pool_state().in_use == 1)
    await read(database)
    with server.frozen():
        work.cancel()
        done, _ = await asyncio.wait({work}, timeout=NOTICED + SLACK)
        assert done
        assert work.cancelled()
    await back(database)


async def test_silent_from_the_start(opened: Open) -> None:
    with silent_port() as port:
        it = opened(f"postgresql://u:p@127.0.0.1:{port}/d")
        waits = [asyncio.ensure_future(read(it.database)) for _ in range(40)]
        for each in waits:
            assert await refused(each, NOTICED + SLACK) == "timeout"
        assert it.database.pool_state()[:2] == (0, 0)
        assert it.database.pool_state().waiting == 0


async def test_close_does_not_wait_for_a_frozen_server(server: Postgres) -> None:
    database = Database(server.url, {}, statement_timeout=15)
    work = [asyncio.create_task(sleep(database, 60)) for _ in range(3)]
    await settled(lambda: database.pool_state().in_use == 3)
    await asyncio.gather(*(read(database) for _ in range(3)))
    with server.frozen():
        started = time.perf_counter()
        await database.close()
        assert time.perf_counter() - started < 2 + SLACK
        for each in work:
            await refused(each, SLACK)


class Network:
    """Between a client and the server. `lost`: nothing gets through any more, either way, and
    nobody is told; `lost_so_far`: only what was connected then."""

    def __init__(self, port: int) -> None:
        self._to = port
        self.lost = False
        self._connections: list[dict[str, bool]] = []
        self._tasks: set[asyncio.Task[None]] = set()

    def lose_so_far(self) -> None:
        """What is connected now is lost, what comes is not."""
        for each in self._connections:
            each["lost"] = True

    @asynccontextmanager
    async def listening(self) -> AsyncIterator[int]:
        """Its port, during the block."""
        server = await asyncio.start_server(self._accept, "127.0.0.1", 0)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()
            for each in self._tasks:
                each.cancel()
            await asyncio.gather(*self._tasks, return_exceptions=True)

    async def _accept(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        state = {"lost": False}
        self._connections.append(state)
        upstream = await asyncio.open_connection("127.0.0.1", self._to)
        pumps = ((reader, upstream[1]), (upstream[0], writer))
        self._tasks |= {asyncio.create_task(self._pump(*each, state)) for each in pumps}

    async def _pump(
        self, source: asyncio.StreamReader, target: asyncio.StreamWriter, state: dict[str, bool]
    ) -> None:
        try:
            while data := await source.read(65536):
                if not (self.lost or state["lost"]):
                    target.write(data)
        finally:
            target.close()


async def test_black_hole(server: Postgres, opened: Open) -> None:
    network = Network(server.port)
    async with network.listening() as port:
        it = opened(server.url.replace(f":{server.port}/", f":{port}/"), **SMALL)
        database, end = it.database, asyncio.Event()
        holder, *others = await everybody(database, end)
        network.lost = True
        end.set()
        for each in (holder, *others):
            assert await refused(each, NOTICED + SLACK) == "timeout"
        network.lost = False
        # The attempts before are lost for good; the next is a second away at most.
        await back(database, 1.0 + BACK + SLACK)
        await database.close()


async def test_one_connection_that_is_lost_is_no_outage(server: Postgres, opened: Open) -> None:
    """A firewall forgot it: its own limit ends it, and not even a ROLLBACK is waited for."""
    network = Network(server.port)
    async with network.listening() as port:
        url = server.url.replace(f":{server.port}/", f":{port}/")
        it = opened(url, statement_timeout=1.0, pool_size=2, max_overflow=0)
        begun, end = asyncio.Event(), asyncio.Event()
        database = it.database
        lost = asyncio.create_task(hold_a_transaction(database, begun, end))
        await begun.wait()
        network.lose_so_far()
        await read(database)  # a new one; it stays
        await database.ping(timeout=1.5)
        end.set()
        assert await refused(lost, 1.0 + 1.0 + SLACK) == "timeout"
        assert it.reasons == []
        await database.close()


async def test_slow_statements_are_no_outage(opened: Open) -> None:
    it = opened(pool_size=3, max_overflow=0, pool_timeout=0.5)
    database = it.database
    slow = [asyncio.create_task(sleep(database, 2.5)) for _ in range(3)]
    await settled(lambda: database.pool_state().in_use == 3)
    await asyncio.sleep(0.3)
    for _ in range(10):
        started = time.perf_counter()
        await database.ping(timeout=1.5)
        assert await database.column(REVISION, timeout=1.5)
        assert time.perf_counter() - started < 0.1 + SLACK / 10
    assert await refused(asyncio.ensure_future(read(database)), 0.5 + SLACK) == "pool timeout"
    await asyncio.gather(*slow)
    assert it.reasons == []
    assert database.pool_state().timeouts == 1


async def test_killed_backends_are_no_outage(server: Postgres, opened: Open) -> None:
    it = opened()
    database = it.database
    work = asyncio.create_task(sleep(database, 60))
    await settled(lambda: database.pool_state().in_use == 1)
    await asyncio.gather(read(database), database.ping(timeout=1.5))
    assert await asyncio.to_thread(server.terminate_backends) == 3
    assert await refused(work, SLACK) == "connection lost"
    # What lay idle is noticed before it is used, and the probe connects again.
    await asyncio.gather(read(database), database.ping(timeout=1.5))
    assert it.reasons == []


async def test_too_many_connections_is_an_answer(server: Postgres, opened: Open) -> None:
    it = opened(pool_size=1, max_overflow=0)
    await read(it.database)
    await asyncio.to_thread(limit_connections, server, 1)
    try:
        await it.database.ping(timeout=1.5)  # by the pool's
        assert await it.database.column(ONE, timeout=1.5) == [1]
        late = opened(pool_size=1, max_overflow=0)
        with pytest.raises(DatabaseUnavailable, match="too many connections"):
            await late.database.ping(timeout=1.5)
        with pytest.raises(DatabaseUnavailable, match="too many connections"):
            await read(late.database)
        assert it.reasons == late.reasons == []
    finally:
        await asyncio.to_thread(limit_connections, server, -1)
    await read(late.database)


def limit_connections(server: Postgres, number: int) -> None:
    with server.connection("postgres") as connection:
        connection.execute(f"ALTER ROLE shop CONNECTION LIMIT {number}")


async def test_wrong_password_is_an_outage_that_ends(server: Postgres, opened: Open) -> None:
    it = opened(server.url.replace(":8c1d", ":9c1d"))
    for _ in range(2):
        with pytest.raises(DatabaseUnavailable, match="authentication failed"):
            await read(it.database)
    assert it.reasons == ["authentication failed"]


async def test_a_locked_table_is_no_outage(server: Postgres, opened: Open) -> None:
    it = opened()
    other = await asyncpg.connect(server.url, timeout=10)
    try:
        await other.execute("BEGIN; LOCK TABLE alembic_version")
        with pytest.raises(DatabaseUnavailable, match="statement timeout"):
            await it.database.column(REVISION, timeout=5)
        await it.database.ping(timeout=1.5)
        assert it.reasons == []
    finally:
        await other.close(timeout=10)


async def test_the_counters_go_on(server: Postgres, opened: Open) -> None:
    it = opened(pool_size=1, max_overflow=0, pool_timeout=0.1)
    database = it.database
    async with database.reading():
        assert await refused(asyncio.ensure_future(read(database)), SLACK) == "pool timeout"
    await asyncio.to_thread(server.stop)
    with pytest.raises(DatabaseUnavailable):
        await read(database)
    await asyncio.to_thread(server.start)
    await back(database)
    assert database.pool_state() == (0, 1, 1, 0, 1)
    assert database.breaker.openings == 1
