"""A backup that fails leaves nothing that looks like one, blocks nobody, and says what to do."""

import asyncio
import os
import signal
import subprocess
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from uuid import uuid4

import asyncpg
import psutil
import pytest

from deploy.backup import programs
from deploy.backup.cli import main
from deploy.backup.create import ADVISORY_LOCK
from deploy.backup.s3 import PART, S3Store
from deploy.backup.stores import FolderStore, Store
from tests.deploy.backup.conftest import Hire
from tests.deploy.backup.support import PROGRAMS, Operator, ask, program
from tests.support import database_name, execute, wait_until

SLOW = "import time; time.sleep(60)"


@contextmanager
def holding(url: str, *statements: str) -> Iterator[None]:
    """Another session, in a transaction that has done this."""
    with asyncio.Runner() as runner:
        connection = runner.run(asyncpg.connect(url, timeout=10))
        try:
            for statement in ("BEGIN", *statements):
                runner.run(connection.execute(statement))
            yield
        finally:
            runner.run(connection.close(timeout=10))


def fails(operator: Operator, told: str, *arguments: str, code: int = 1, **more: str) -> None:
    """The command fails, says this, and nothing is left of it."""
    result = operator(*(arguments or ("create",)), **more)
    assert (result.code, told in result.out) == (code, True), result.out + result.err
    assert "Traceback" not in result.err
    assert not operator.files.exists() or list(operator.files.iterdir()) == []
    report = operator.report()
    assert (report["ok"], report["verified_at"], told in report["error"]) == (False, None, True)


def test_password_is_on_no_command_line_and_in_no_output(
    shop: str, hire: Hire, tmp_path: Path
) -> None:
    seen = tmp_path / "seen"
    look = f"open({str(seen)!r}, 'a').write(f'{{sys.argv}} {{sorted(os.environ)}}\\n')"
    programs = program(tmp_path / "programs", "pg_dump", look)
    secret = shop.replace("postgres@", "postgres:geheim@")
    operator = hire(secret)
    result = operator.succeeds("run", BACKUP_PG_BIN=str(programs), SECRET_KEY="k")
    assert "--snapshot=" in seen.read_text()
    assert "PGPASSWORD" in seen.read_text()
    assert "SECRET_KEY" not in seen.read_text()
    everything = seen.read_text() + result.out + result.err + str(operator.report())
    assert "geheim" not in everything
    assert b"geheim" not in b"".join(each.read_bytes() for each in operator.files.iterdir())


@pytest.mark.parametrize("store", ["folder", "s3"])
def test_half_a_dump_is_none(shop: str, hire: Hire, tmp_path: Path, store: str) -> None:
    die = """
os.write(1, b"x" * 100_000)
os.write(2, b"pg_dump: error: the disk of the server is on fire")
sys.exit(1)
"""
    programs = program(tmp_path / "programs", "pg_dump", die)
    fails(hire(shop, store), "is on fire", BACKUP_PG_BIN=str(programs))


def test_pg_dump_older_than_the_server(shop: str, hire: Hire, tmp_path: Path) -> None:
    old = tmp_path / "pg_dump"
    old.write_text("#!/bin/sh\necho 'pg_dump (PostgreSQL) 15.1'\n")
    old.chmod(0o755)
    told = "install postgresql-client-18"
    fails(hire(shop), told, code=2, BACKUP_PG_BIN=str(tmp_path))
    fails(hire(shop), told, code=2, BACKUP_PG_BIN=str(tmp_path / "nothing"))


def test_one_at_a_time(shop: str, hire: Hire) -> None:
    with holding(shop, f"SELECT pg_advisory_xact_lock({ADVISORY_LOCK})"):
        fails(hire(shop), "another backup of this database is running")


def test_migration_is_not_waited_for_for_ever(shop: str, hire: Hire) -> None:
    with holding(shop, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"):
        fails(hire(shop), "a migration holds a lock", BACKUP_LOCK_TIMEOUT="1s")


def test_lock_that_pg_dump_meets_first_is_told_the_same(shop: str, tmp_path: Path) -> None:
    with (
        holding(shop, "LOCK TABLE users IN ACCESS EXCLUSIVE MODE"),
        (tmp_path / "errors").open("w+b") as errors,
    ):
        command = [PROGRAMS / "pg_dump", "--lock-wait-timeout=200", "--dbname", shop]
        done = subprocess.run(
            command, stdout=subprocess.DEVNULL, stderr=errors, timeout=30, check=False
        )
        assert "a migration holds a lock" in programs._reason("pg_dump", done.returncode, errors)


def test_what_takes_too_long_is_stopped(shop: str, hire: Hire, tmp_path: Path) -> None:
    slow = program(tmp_path / "programs", "pg_dump", SLOW)
    fails(hire(shop), "BACKUP_TIME_LIMIT", BACKUP_PG_BIN=str(slow), BACKUP_TIME_LIMIT="1s")


def _running(parent: int, program: str) -> list[psutil.Process]:
    """The children that run the program, not only to ask for its version."""
    found = []
    for each in psutil.Process(parent).children():
        with suppress(psutil.Error):
            command = each.cmdline()
            if program in command and "--version" not in command:
                found.append(each)
    return found


@pytest.mark.parametrize(("command", "slow"), [("create", "pg_dump"), ("run", "pg_restore")])
def test_sigterm_cleans_up(shop: str, hire: Hire, tmp_path: Path, command: str, slow: str) -> None:
    programs = program(tmp_path / "programs", slow, SLOW)
    operator = hire(shop)
    process = operator.start(command, BACKUP_PG_BIN=str(programs))
    path = f"{programs}/{slow}"
    children = wait_until(lambda: _running(process.pid, path), slow, 30)
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=20)
    assert process.returncode == 1
    assert not any(each.is_running() for each in children)
    assert not list(tmp_path.glob("store/*.partial"))
    assert operator.report()["error"] == "stopped before its end"
    # Nothing but a backup that was made and is not verified.
    assert len(operator.listed()) == (command == "run")
    names = "SELECT array_agg(datname::text) FROM pg_database WHERE datname ~ '^quartermaster_b'"
    left = set(asyncio.run(ask(shop, names)) or ())
    # Other test processes verify on the same server: theirs come and go.
    wait_until(lambda: not left & set(asyncio.run(ask(shop, names)) or ()), "scratch dropped", 30)


def test_no_room(
    shop: str, hire: Hire, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    for name, value in hire(shop).variables.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(FolderStore, "free", lambda _: 1024**2)
    assert main(["create"]) == 1
    assert "1 MiB are free in BACKUP_STORE" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("grants", "told"),
    [
        ((), "GRANT pg_read_all_data"),
        (("GRANT pg_read_all_data TO {role}",), "CREATEDB, or set BACKUP_VERIFY_DATABASE_URL"),
    ],
)
def test_rights_that_lack_are_named(
    shop: str, hire: Hire, grants: tuple[str, ...], told: str
) -> None:
    role = f"role_{database_name(shop)}"
    with ExitStack() as stack:
        execute(shop, f"CREATE ROLE {role} LOGIN", *(each.format(role=role) for each in grants))
        stack.callback(execute, shop, f"DROP ROLE {role}")
        operator = hire(shop.replace("postgres@", f"{role}@"))
        result = operator("run")
        assert (result.code, told in result.out) == (1, True), result.out
        verified = operator("verify", BACKUP_VERIFY_DATABASE_URL=shop)
        assert verified.code == (0 if grants else 1), verified.out


@pytest.mark.parametrize(
    ("variables", "told"),
    [
        ({"DATABASE_URL": "postgresql://u:geheim@127.0.0.1:1/shop"}, "cannot be reached"),
        ({"DATABASE_URL": ""}, "DATABASE_URL is not set"),
        ({"BACKUP_STORE": ""}, "BACKUP_STORE is not set"),
        ({"BACKUP_STORE": "ftp://host"}, "BACKUP_STORE must be"),
        ({"BACKUP_STORE": "/proc/nowhere"}, "/proc/nowhere"),
        ({"BACKUP_KEEP_DAILY": "many"}, "BACKUP_KEEP_DAILY"),
        ({"BACKUP_TIME_LIMIT": "soon"}, "BACKUP_TIME_LIMIT"),
        ({"BACKUP_AGE_RECIPIENT": "geheim"}, "no public key"),
    ],
)
def test_what_cannot_begin_is_reported_too(
    shop: str, hire: Hire, variables: dict[str, str], told: str
) -> None:
    operator = hire(shop)
    result = operator("run", **variables)
    assert result.code in {1, 2}
    assert told in result.out
    assert told in operator.report()["error"]
    assert "geheim@" not in result.out + result.err + str(operator.report())


@pytest.fixture(params=["folder", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Store:
    """An empty store."""
    if request.param == "folder":
        return FolderStore(tmp_path / "store")
    buckets, variables = request.getfixturevalue("s3")
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    bucket = f"bucket-{uuid4().hex[:8]}"
    (buckets / bucket).mkdir()
    return S3Store.of(f"s3://{bucket}/deep/er")


def _write(store: Store, size: int, fail: Callable[[], None] = lambda: None) -> bytes:
    data = os.urandom(size)
    with store.writing("file") as out:
        for at in range(0, size, 1_000_000):
            out.write(data[at : at + 1_000_000])
        fail()
    return data


@pytest.mark.parametrize("size", [0, 5, PART, 2 * PART + 5])
def test_what_is_stored_is_what_was_written(store: Store, size: int) -> None:
    data = _write(store, size)
    (entry,) = store.entries()
    assert (entry.name, entry.size, entry.partial) == ("file", size, False)
    with store.reading("file") as source:
        read = b""
        while chunk := source.read(300_000):
            read += chunk
    assert read == data
    store.delete(entry)
    store.delete(entry)
    assert store.entries() == []


@pytest.mark.parametrize("size", [5, 2 * PART + 5])
def test_half_a_file_is_none(store: Store, size: int) -> None:
    def fail() -> None:
        raise RuntimeError("no more")

    with pytest.raises(RuntimeError, match="no more"):
        _write(store, size, fail)
    assert store.entries() == []
