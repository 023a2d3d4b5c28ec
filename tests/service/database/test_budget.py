"""What PostgreSQL leaves to the service's role, beside what others hold."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from uuid import uuid4

import asyncpg
import pytest

from service.database.budget import (
    Budget,
    connection_budget,
    connections_per_process,
    processes_that_fit,
)
from service.database.engine import Database
from tests.support import ROOT, environment, execute


async def budget_at(url: str) -> Budget:
    database = Database(url, {"pool_size": 1, "max_overflow": 0}, statement_timeout=5)
    try:
        found = await connection_budget(database)
    finally:
        await database.close()
    assert found is not None
    return found


@asynccontextmanager
async def connections(url: str, number: int) -> AsyncIterator[None]:
    held = [await asyncpg.connect(url, timeout=10) for _ in range(number)]
    try:
        yield
    finally:
        for each in held:
            await each.close(timeout=10)


@pytest.fixture
def role(empty_database: str) -> str:
    """The URL of the database for a role that is no superuser and may open five connections."""
    name = f"role_{uuid4().hex[:12]}"
    execute(empty_database, f"CREATE ROLE {name} LOGIN CONNECTION LIMIT 5")
    return empty_database.replace("postgres@", f"{name}@")


async def test_own_connections_are_within_the_budget(empty_database: str) -> None:
    before = await budget_at(empty_database)
    async with connections(empty_database, 3):
        during = await budget_at(empty_database)
    assert before.available == before.maximum - before.reserved - before.others
    # Other tests connect and leave meanwhile, to databases of their own.
    assert during.maximum - during.reserved - during.others == during.available


async def test_others_and_limits_of_a_role_and_a_database_count(
    empty_database: str, role: str
) -> None:
    found = await budget_at(role)
    assert (found.role, found.database) == (5, None)
    assert found.available == 5
    name = empty_database.partition("?")[0].rpartition("/")[2]
    await asyncio.to_thread(execute, empty_database, f"ALTER DATABASE {name} CONNECTION LIMIT 4")
    assert (await budget_at(role)).available == 4
    async with connections(empty_database, 2):  # a superuser's, which the limit counts
        found = await budget_at(role)
    assert (found.database, found.available) == (2, 2)
    assert found.others >= 2


async def test_database_that_is_away_says_nothing() -> None:
    database = Database("postgresql://u@127.0.0.1:1/d", {}, statement_timeout=5)
    try:
        assert await connection_budget(database) is None
    finally:
        await database.close()


def test_processes_that_fit() -> None:
    assert connections_per_process({}) == 31
    assert connections_per_process({"pool_size": 2, "max_overflow": 3}) == 6
    assert processes_that_fit(97, {}) == 3
    assert processes_that_fit(97, {"pool_size": 5, "max_overflow": 0}) == 16
    assert processes_that_fit(10, {}) == 1


def test_command_for_a_process_manager(empty_database: str) -> None:
    def ask(**variables: str) -> str:
        done = subprocess.run(
            [sys.executable, "-m", "service.database.budget"],
            cwd=ROOT,
            env=environment(**variables),
            capture_output=True,
            text=True,
            timeout=30,
            check=True,
        )
        assert done.stderr == ""
        return done.stdout.strip()

    assert int(ask(DATABASE_URL=empty_database)) >= 1
    assert ask(DATABASE_URL="postgresql://u@127.0.0.1:1/d") == ""
    assert ask(DATABASE_URL="mysql://u@127.0.0.1:1/d") == ""
    assert ask(FLASK_ENV="production") == ""
