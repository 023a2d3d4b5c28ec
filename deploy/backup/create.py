"""One backup: pg_dump and the manifest, both of one snapshot."""

from __future__ import annotations

import asyncio
import hashlib
import time
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, TypeVar

from deploy.backup import log
from deploy.backup.catalogue import Catalogue
from deploy.backup.content import pin, read_properties, read_sequences, read_tables
from deploy.backup.database import connected, major
from deploy.backup.encryption import Recipients, encrypt
from deploy.backup.manifest import Content, Manifest, sealed
from deploy.backup.names import DUMP, MANIFEST, SEALED, Name
from deploy.backup.problems import BackupError
from deploy.backup.programs import Program, Work, check_writer, find, in_thread
from deploy.backup.settings import Settings
from deploy.backup.stores import Store, Writer, write_small
from deploy.backup.url import DatabaseURL

T = TypeVar("T")

# The service's migrations have 5,500,001.
ADVISORY_LOCK = 5_500_002
LEAST_ROOM = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A moment of the database that others can see, as long as `connection` is open."""

    connection: Any
    id: str
    moment: datetime


@asynccontextmanager
async def snapshot(url: DatabaseURL, settings: Settings) -> AsyncIterator[Snapshot]:
    """Takes one, and the right to be the only backup of this database."""
    async with connected(url) as connection:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        await connection.execute(
            f"SET LOCAL lock_timeout = {int(settings.lock_timeout * 1000)};"
            f"SET LOCAL statement_timeout = {int(settings.time_limit * 1000)};"
            "SET LOCAL idle_in_transaction_session_timeout = 0"
        )
        await pin(connection)
        if not await connection.fetchval("SELECT pg_try_advisory_xact_lock($1)", ADVISORY_LOCK):
            raise BackupError("another backup of this database is running: wait for its end")
        # now() is when the transaction began, so whatever was committed before is in it.
        found = await connection.fetchrow("SELECT pg_export_snapshot(), now()")
        yield Snapshot(connection, found[0], found[1])


async def create(
    settings: Settings, catalogue: Catalogue, to: Recipients, work: Work
) -> tuple[Name, Manifest]:
    """Raises `BackupError`; then there is no backup, not even a part of one that looks whole."""
    begin = time.monotonic()
    url = settings.source()
    async with snapshot(url, settings) as taken:
        connection = taken.connection
        server = await major(connection)
        program = await in_thread(work, lambda: find("pg_dump", server, settings.programs))
        check_writer(program, server)
        size = await connection.fetchval("SELECT pg_database_size(current_database())")
        name = Name.new(url.database, taken.moment)
        await in_thread(work, lambda: _check_room(catalogue, name, size))
        log.info("backup begun", name=str(name), database_bytes=size)
        # Before pg_dump reads them, which then finds them there or further.
        sequences = await read_sequences(connection)
        properties = await read_properties(connection)
        dumped = _Dump(url, settings, program, taken.id, f"{name}{SEALED if to else DUMP}")
        (size, digest), tables = await _both(
            in_thread(work, lambda: dumped.write(catalogue.store, to, work)),
            read_tables(connection, settings.time_limit),
        )
        content = Content(properties, tables, sequences)
        manifest = Manifest(
            name=str(name),
            database=url.database,
            created_at=log.stamp(taken.moment),
            file=dumped.file,
            size_bytes=size,
            sha256=digest,
            rows=content.rows,
            server_version=await connection.fetchval("SELECT current_setting('server_version')"),
            pg_dump_version=program.release,
            alembic_version=await _alembic_version(connection),
            encrypted=bool(to),
            content=sealed(content, to),
        )
    # Last: a backup without its manifest is none.
    data = manifest.write()
    await in_thread(work, lambda: write_small(catalogue.store, f"{name}{MANIFEST}", data))
    log.info(
        "backup made",
        duration_ms=log.milliseconds(begin),
        name=str(name),
        size_bytes=size,
        rows=content.rows,
    )
    return name, manifest


async def _both(one: Coroutine[Any, Any, T], other: Coroutine[Any, Any, Any]) -> tuple[T, Any]:
    """Both results; the first to fail stops the other."""
    try:
        async with asyncio.TaskGroup() as tasks:
            first, second = tasks.create_task(one), tasks.create_task(other)
    except BaseExceptionGroup as group:
        raise group.exceptions[0] from None
    return first.result(), second.result()


async def _alembic_version(connection: Any) -> list[str]:
    found = await connection.fetch(
        "SELECT format('%I.%I', n.nspname, c.relname) FROM pg_class AS c"
        " JOIN pg_namespace AS n ON n.oid = c.relnamespace"
        " WHERE c.relname = 'alembic_version' AND c.relkind = 'r'"
        " ORDER BY n.nspname = 'public' DESC"
    )
    if not found:
        return []
    rows = await connection.fetch(f"SELECT version_num FROM {found[0][0]} ORDER BY 1")  # noqa: S608 - quoted by format
    return [str(version) for (version,) in rows]


def _check_room(catalogue: Catalogue, name: Name, database_bytes: int) -> None:
    """Half as much again as the last backup took, or for the first what the database takes."""
    free = catalogue.store.free()
    if free is None:
        return
    last = [each.size for each in catalogue.backups() if each.name.database == name.database]
    wanted = LEAST_ROOM + (last[-1] * 3 // 2 if last else database_bytes)
    if free < wanted:
        raise BackupError(
            f"{free // 1024**2} MiB are free in BACKUP_STORE, {wanted // 1024**2} are wanted: "
            "make room, or prune"
        )


@dataclass(frozen=True, slots=True)
class _Dump:
    url: DatabaseURL
    settings: Settings
    program: Program
    snapshot: str
    file: str

    def write(self, store: Store, to: Recipients, work: Work) -> tuple[int, str]:
        """Size and SHA-256 of what is stored: pg_dump, compressed by it, then encrypted."""
        arguments = [
            "--format=custom",
            f"--snapshot={self.snapshot}",
            f"--lock-wait-timeout={int(self.settings.lock_timeout * 1000)}",
            "--no-password",
            f"--dbname={self.url.conninfo}",
        ]
        if self.settings.compression:
            arguments.append(f"--compress={self.settings.compression}")
        with store.writing(self.file) as out:
            counting = _Counting(out, work)
            with work.running(self.program, *arguments, url=self.url) as dump:
                encrypt(dump, counting, to)
            return counting.size, counting.sha256.hexdigest()


class _Counting:
    def __init__(self, sink: Writer, work: Work) -> None:
        self._sink = sink
        self._work = work
        self.size = 0
        self.sha256 = hashlib.sha256()

    def write(self, data: bytes) -> int:
        self._work.check()
        self._sink.write(data)
        self.sha256.update(data)
        self.size += len(data)
        return len(data)

    def flush(self) -> None:
        self._sink.flush()
