"""The service through a real PgBouncer in transaction mode, with fewer connections than clients: no
request fails, limits hold, and it comes back by itself."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from uuid import uuid4

import asyncpg
import httpx
import pytest
import sqlalchemy as sa

from service.database.engine import Database, DatabaseUnavailable
from tests.deploy.pgbouncer.bouncer import Bouncer, Postgres, pgbouncer, postgres
from tests.service.support import PASSWORD, Service, start_service
from tests.support import wait_until

CLIENTS = 24
CONNECTIONS = 4
SIZES = {"default_pool_size": CONNECTIONS, "reserve_pool_size": 0}


@pytest.fixture(scope="module")
def database(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of this module's own."""
    with postgres(tmp_path_factory.mktemp("pgbouncer") / "postgres") as running:
        yield running


@pytest.fixture
def bouncer(database: Postgres, tmp_path: Path) -> Iterator[Bouncer]:
    """A small PgBouncer."""
    with pgbouncer(tmp_path / "pgbouncer", database, **SIZES) as running:
        yield running


@pytest.fixture
def service(bouncer: Bouncer, tmp_path: Path) -> Iterator[Service]:
    """The service behind it."""
    running = start_service(
        tmp_path / "service.log", DATABASE_URL=bouncer.url, DATABASE_POOLER="pgbouncer"
    )
    yield running
    assert running.stop() == 0


@asynccontextmanager
async def opened(
    url: str, pooler: str = "pgbouncer", limit: float = 10.0
) -> AsyncIterator[Database]:
    """The database at that URL, with a pool larger than PgBouncer's."""
    database = Database(url, {"pool_size": CLIENTS}, statement_timeout=limit, pooler=pooler)
    try:
        yield database
    finally:
        await database.close()


def live(service: Service) -> str:
    """Somebody's life: what is written, read, changed, refused."""
    email = f"{uuid4().hex}@example.com"
    credentials = {"email": email, "password": PASSWORD}
    auth = "/api/v1/auth"
    with httpx.Client(base_url=service.url, timeout=20) as http:

        def ask(status: int, method: str, path: str, **options: object) -> httpx.Response:
            answer = http.request(method, path, **options)
            assert answer.status_code == status, f"{method} {path}: {answer.text}"
            return answer

        key = {"Idempotency-Key": uuid4().hex}
        made = ask(201, "POST", f"{auth}/register", json=credentials, headers=key)
        again = ask(201, "POST", f"{auth}/register", json=credentials, headers=key)
        assert again.json() == made.json()
        ask(409, "POST", f"{auth}/register", json=credentials)
        path = made.headers["location"]
        for _ in range(3):
            tokens = ask(200, "POST", f"{auth}/login", json=credentials).json()
            http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
            assert ask(200, "GET", f"{auth}/me").json()["email"] == email
            name = uuid4().hex
            ask(200, "PATCH", path, json={"name": name})
            assert ask(200, "GET", path).json()["name"] == name
            ask(412, "PATCH", path, json={"name": "x"}, headers={"If-Match": '"other"'})
            ask(404, "GET", "/api/v1/nothing")
            ask(422, "PATCH", path, json={"email": 1})
            ask(200, "GET", "/health/ready")
        ask(204, "POST", f"{auth}/logout")
        ask(401, "GET", f"{auth}/me")
    return email


def count(database: Postgres, query: str) -> int:
    """A number, straight from PostgreSQL."""

    async def run() -> int:
        connection = await asyncpg.connect(database.superuser, database="shop", timeout=10)
        try:
            return int(await connection.fetchval(query, timeout=10))
        finally:
            await connection.close(timeout=10)

    return asyncio.run(run())


OURS = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'shop'"


def test_more_clients_than_connections(
    service: Service, database: Postgres, bouncer: Bouncer
) -> None:
    with ThreadPoolExecutor(CLIENTS) as threads:
        emails = list(threads.map(live, [service] * CLIENTS))
    among = ", ".join(f"'{each}'" for each in emails)
    assert count(database, f"SELECT count(*) FROM users WHERE email IN ({among})") == CLIENTS
    assert 1 <= count(database, OURS) <= CONNECTIONS
    text = service.log.read_text()
    assert "prepared statement" not in text + bouncer.log
    assert service.lines(level="ERROR") == []
    assert count(database, f"{OURS} AND state LIKE 'idle in transaction%'") == 0


async def mix(database: Database, rounds: int = 200) -> None:
    """Statements of several shapes at once; each must get its own answer."""

    async def one(number: int) -> None:
        async with database.reading() as reader:
            found = await reader.scalar(sa.text("SELECT CAST(:n AS int)"), {"n": number})
            assert found == number
            found = await reader.scalar(sa.text("SELECT CAST(:t AS text)"), {"t": str(number)})
            assert found == str(number)
        async with database.writing() as writer:
            locks = sa.text("SELECT pg_try_advisory_xact_lock(:n, 1)")
            assert await writer.scalar(locks, {"n": number})

    outcomes = await asyncio.gather(*map(one, range(rounds)), return_exceptions=True)
    for error in filter(None, outcomes):
        raise error


async def test_every_statement_gets_its_own_answer(bouncer: Bouncer) -> None:
    async with opened(bouncer.url) as database:
        await mix(database)


async def test_statement_timeout_holds(bouncer: Bouncer) -> None:
    sleep = sa.text("SELECT pg_sleep(30)")
    async with opened(bouncer.url, limit=0.3) as database:
        for block in (database.reading, database.writing):
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable, match="statement timeout"):
                async with block() as connection:
                    await connection.execute(sleep)
            assert time.monotonic() - started < 5
        async with database.reading() as reader:
            assert await reader.scalar(sa.text("SHOW statement_timeout")) == "300ms"
    # It ended with its transaction: the connection is another client's now.
    async with opened(bouncer.url, limit=7) as database, database.reading() as reader:
        assert await reader.scalar(sa.text("SHOW statement_timeout")) == "7s"


def test_comes_back_when_pgbouncer_restarts(service: Service, bouncer: Bouncer) -> None:
    def health() -> int:
        return httpx.get(f"{service.url}/health", timeout=5).status_code

    live(service)
    bouncer.stop()
    wait_until(lambda: health() == 503, "503 without PgBouncer")
    bouncer.start()
    wait_until(lambda: health() == 200, "200 with it", 3)
    live(service)


async def test_scram_secret_will_do_for_a_password(database: Postgres, tmp_path: Path) -> None:
    connection = await asyncpg.connect(database.superuser, timeout=10)
    secret = await connection.fetchval("SELECT rolpassword FROM pg_authid WHERE rolname = 'shop'")
    await connection.close(timeout=10)
    assert secret.startswith("SCRAM-SHA-256$")
    with pgbouncer(tmp_path / "pgbouncer", database, secret, **SIZES) as bouncer:
        async with opened(bouncer.url) as behind:
            await behind.ping(timeout=10)


Check = Callable[[Bouncer], None]


def refuses_who_does_not_know_of_it(bouncer: Bouncer) -> None:
    async def run() -> None:
        async with opened(bouncer.url, pooler="") as database:
            with pytest.raises(DatabaseUnavailable, match="set DATABASE_POOLER"):
                await database.ping(timeout=5)

    asyncio.run(run())


def shares_connections(bouncer: Bouncer) -> None:
    async def run() -> None:
        async with opened(bouncer.url) as database, AsyncExitStack() as stack:
            # All connected at once, and none of them holds one of PostgreSQL's.
            for _ in range(CLIENTS):
                each = await stack.enter_async_context(database.engine.connect())
                await each.execute(sa.text("SELECT 1"))
                await each.rollback()

    asyncio.run(run())


def gives_up_waiting(bouncer: Bouncer) -> None:
    async def run() -> None:
        async with opened(bouncer.url) as database, AsyncExitStack() as stack:
            for _ in range(CONNECTIONS):
                each = await stack.enter_async_context(database.engine.connect())
                await each.execute(sa.text("SELECT 1"))
            started = time.monotonic()
            with pytest.raises(DatabaseUnavailable, match="connection lost"):
                async with database.reading() as reader:
                    await reader.execute(sa.text("SELECT 1"))
            assert time.monotonic() - started < 7

    asyncio.run(run())


def asks_for_the_password(bouncer: Bouncer) -> None:
    url = bouncer.url.replace(bouncer.database.password, "guessed")

    async def run() -> None:
        async with opened(url) as database:
            with pytest.raises(DatabaseUnavailable, match=r"authentication failed|connection lost"):
                await database.ping(timeout=5)

    asyncio.run(run())


CHECKS: tuple[Check, ...] = (
    refuses_who_does_not_know_of_it,
    shares_connections,
    gives_up_waiting,
    asks_for_the_password,
)
AWARE = {"ignore_startup_parameters": "extra_float_digits, statement_timeout"}
BROKEN: tuple[tuple[Check, dict[str, object]], ...] = (
    (refuses_who_does_not_know_of_it, AWARE),
    (shares_connections, {"pool_mode": "session", "query_wait_timeout": 1}),
    (gives_up_waiting, {"query_wait_timeout": 9}),
    (asks_for_the_password, {"auth_type": "trust"}),
)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(bouncer: Bouncer, check: Check) -> None:
    check(bouncer)


@pytest.mark.parametrize(("check", "changes"), BROKEN)
def test_broken_is_seen(
    database: Postgres, tmp_path: Path, check: Check, changes: dict[str, object]
) -> None:
    with (
        pgbouncer(tmp_path / "pgbouncer", database, **SIZES | changes) as bouncer,
        pytest.raises((AssertionError, pytest.fail.Exception, sa.exc.DBAPIError)),
    ):
        check(bouncer)


def test_without_the_setting_statements_get_lost(database: Postgres, tmp_path: Path) -> None:
    """Else the tests above would prove nothing."""
    with pgbouncer(tmp_path / "pgbouncer", database, **SIZES | AWARE) as bouncer:

        async def run() -> None:
            async with opened(bouncer.url, pooler="") as opened_database:
                await mix(opened_database)

        with pytest.raises(sa.exc.DBAPIError, match="prepared statement"):
            asyncio.run(run())
