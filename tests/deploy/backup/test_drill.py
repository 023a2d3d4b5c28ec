"""A service is backed up under load, its database destroyed and restored: every row of the
snapshot is there again, nothing that was acknowledged before is missing, and people go on."""

import asyncio
import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.deploy.backup.conftest import Hire
from tests.deploy.backup.support import all_rows, ask, program
from tests.service.support import PASSWORD, log_in, start_service
from tests.support import alembic, database_name, execute, wait_until

# What pg_dump's stand-in does first: it looks at the same snapshot, row by row, on its own.
COPY = """
import asyncio, asyncpg, json
from tests.deploy.backup.support import rows_of

async def copy():
    (snapshot,) = [each[11:] for each in sys.argv if each.startswith("--snapshot=")]
    connection = await asyncpg.connect({url!r})
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ")
    await connection.execute("SET TRANSACTION SNAPSHOT '" + snapshot + "'")
    with open({path!r}, "w") as file:
        json.dump(await rows_of(connection), file)
    await connection.close()

asyncio.run(copy())
"""
BEFORE, AFTER = 40, 40


@dataclass(frozen=True)
class Acknowledged:
    """A user whose registration was answered with 201."""

    id: int
    email: str
    at: float


@contextmanager
def writers(url: str, acknowledged: list[Acknowledged]) -> Iterator[None]:
    """People who register, each with an idempotency key, until the block ends."""
    ended = threading.Event()

    def write() -> None:
        with httpx.Client(base_url=url, timeout=10) as http:
            while not ended.is_set():
                email = f"{uuid4().hex}@example.com"
                answer = http.post(
                    "/api/v1/auth/register",
                    json={"email": email, "password": PASSWORD},
                    headers={"Idempotency-Key": uuid4().hex},
                )
                assert answer.status_code == 201, answer.text
                acknowledged.append(Acknowledged(answer.json()["id"], email, time.time()))

    threads = [threading.Thread(target=write) for _ in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


@pytest.mark.parametrize(("store", "sealed"), [("folder", False), ("s3", True)])
def test_backup_under_load_destroy_restore(  # noqa: PLR0917
    database: str,
    hire: Hire,
    new_name: Callable[[str], str],
    tmp_path: Path,
    store: str,
    sealed: bool,
) -> None:
    copied = tmp_path / "copy.json"
    programs = program(
        tmp_path / "programs", "pg_dump", COPY.format(url=database, path=str(copied))
    )
    operator = hire(database, store, sealed=sealed)
    service = start_service(tmp_path / "stdout.jsonl", DATABASE_URL=database)
    acknowledged: list[Acknowledged] = []
    with writers(service.url, acknowledged):
        wait_until(lambda: len(acknowledged) >= BEFORE, "registrations before the backup")
        begun = time.time()
        operator.succeeds("create", BACKUP_PG_BIN=str(programs))
        made = len(acknowledged)
        wait_until(lambda: len(acknowledged) >= made + AFTER, "registrations after the backup")
    assert service.stop() == 0

    execute(
        database.replace(f"/{database_name(database)}", "/postgres"),
        f"DROP DATABASE {database_name(database)} WITH (FORCE)",
    )
    name = f"test_again_{uuid4().hex[:8]}"
    again = new_name(name)
    told = operator.succeeds("restore", "latest", "--to", again, DATABASE_URL="").out
    assert "point DATABASE_URL at it" in told

    # Row by row, what was there at the snapshot, which its own connection saw.
    restored = asyncio.run(all_rows(again))
    source = json.loads(copied.read_text())
    assert restored == source
    assert len(restored["public.users"]) >= BEFORE
    # Nothing half: a user and the answer kept for the key are of one transaction.
    assert len(restored["public.idempotency_keys"]) == len(restored["public.users"])
    # Nothing that was acknowledged before the backup is missing; what came later was going on.
    ids = set(asyncio.run(ask(again, "SELECT array_agg(id) FROM users")))
    assert [each for each in acknowledged if each.at < begun and each.id not in ids] == []
    moment = datetime.fromisoformat(operator.listed()[0]["created_at"])
    early = [each for each in acknowledged if each.at < moment.timestamp()]
    assert [each for each in early if each.id not in ids] == []
    assert [each for each in acknowledged if each.id not in ids]

    assert alembic(again, "current").stdout.endswith("(head)\n")
    service = start_service(tmp_path / "again.jsonl", DATABASE_URL=again)
    try:
        assert httpx.get(f"{service.url}/health/ready", timeout=10).status_code == 200
        somebody = log_in(service.url, acknowledged[0].email)
        somebody.http.close()
        assert somebody.id == acknowledged[0].id
        later: list[Acknowledged] = []
        with writers(service.url, later):
            wait_until(lambda: len(later) >= 10, "registrations after the restore")
        assert min(each.id for each in later) > max(ids)
    finally:
        assert service.stop() == 0
