"""A backup is one when it has been restored and holds what was backed up."""

from __future__ import annotations

import hashlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from deploy.backup import log
from deploy.backup.catalogue import Backup, Catalogue
from deploy.backup.content import read_content
from deploy.backup.database import connected, major, scratch
from deploy.backup.encryption import CHUNK, Identities, decrypt, identities
from deploy.backup.manifest import Content, Manifest
from deploy.backup.names import MANIFEST
from deploy.backup.problems import BackupError, CorruptError
from deploy.backup.programs import Program, Work, check_reader, find, in_thread
from deploy.backup.settings import Settings
from deploy.backup.stores import read_small
from deploy.backup.url import DatabaseURL

LEAST_ROOM = 64 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Opened:
    """A backup whose file is the one that was written; `keys` open it, None if it is plain."""

    manifest: Manifest
    content: Content
    path: Path
    keys: Identities | None

    def restore(self, into: DatabaseURL, program: Program, work: Work, *options: str) -> None:
        """Runs pg_restore. Raises `BackupError`."""
        arguments = ("--exit-on-error", "--no-password", f"--dbname={into.conninfo}", *options)
        with (
            work.running(program, *arguments, url=into, feed=True) as sink,
            self.path.open("rb") as source,
        ):
            decrypt(source, sink, self.keys)

    def read_through(self, program: Program, work: Work) -> None:
        """Has pg_restore read the whole archive without a server. Raises `BackupError`."""
        with (
            work.running(program, "--file=/dev/null", url=None, feed=True) as sink,
            self.path.open("rb") as source,
        ):
            decrypt(source, sink, self.keys)


@contextmanager
def opened(
    catalogue: Catalogue, backup: Backup, settings: Settings, keys: Identities | None, work: Work
) -> Iterator[Opened]:
    """The backup on this machine, for as long as the block lasts. `keys` are other than those of
    BACKUP_AGE_IDENTITY_FILE. Raises `CorruptError` if it is not what was written."""
    store = catalogue.store
    manifest = Manifest.read(backup.name, read_small(store, f"{backup.name}{MANIFEST}"))
    if not any(entry.name == manifest.file for entry in backup.files):
        raise CorruptError(f"{backup.name}: its file {manifest.file} is missing")
    if backup.size != manifest.size_bytes:
        raise CorruptError(
            f"{backup.name}: {backup.size} bytes, {manifest.size_bytes} were written"
        )
    keys = (keys or identities(settings.identity_file)) if manifest.encrypted else None
    content = manifest.opened(keys)
    local = store.local(manifest.file)
    with tempfile.TemporaryDirectory(prefix="backup-") as folder:
        path = local or Path(folder) / manifest.file
        if local is None:
            _check_room(Path(folder), manifest.size_bytes)
        digest = hashlib.sha256()
        copy = Path(os.devnull) if local else path
        with store.reading(manifest.file) as source, copy.open("wb") as sink:
            while chunk := source.read(CHUNK):
                work.check()
                digest.update(chunk)
                sink.write(chunk)
        if digest.hexdigest() != manifest.sha256:
            raise CorruptError(f"{backup.name}: its SHA-256 is not that of what was written")
        yield Opened(manifest, content, path, keys)


async def verify(
    settings: Settings,
    catalogue: Catalogue,
    backup: Backup,
    work: Work,
    keys: Identities | None = None,
) -> Manifest:
    """Restores the backup to a database of its own and compares. Raises `CorruptError`."""
    begin = time.monotonic()
    server = settings.server()
    async with connected(server) as connection:
        version = await major(connection)
    program = await in_thread(work, lambda: find("pg_restore", version, settings.programs))
    check_reader(program, version)
    stack = opened(catalogue, backup, settings, keys, work)
    found = await in_thread(work, stack.__enter__)
    try:
        await _compare(found, server, program, settings.time_limit, work)
    finally:
        stack.__exit__(None, None, None)
    moment = log.now()
    name = backup.name
    mark = catalogue.mark_verified
    await in_thread(work, lambda: mark(name, found.manifest.sha256, moment))
    log.info(
        "backup verified",
        duration_ms=log.milliseconds(begin),
        name=str(name),
        rows=found.content.rows,
    )
    return found.manifest


async def _compare(
    found: Opened, server: DatabaseURL, program: Program, limit: float, work: Work
) -> None:
    async with scratch(server, found.content.properties, anywhere=True) as into:
        # The roles of the source need not be known here.
        options = ("--no-owner", "--no-privileges")
        await in_thread(work, lambda: found.restore(into, program, work, *options))
        await compare(found, into, limit)


async def compare(found: Opened, there: DatabaseURL, limit: float) -> None:
    """Raises `CorruptError`, with every difference, if the database holds something else."""
    async with connected(there) as connection:
        restored = await read_content(connection, limit)
    if differences := tuple(found.content.differences(restored)):
        raise CorruptError(
            f"{found.manifest.name}: restored, it differs in {len(differences)} of "
            f"{len(found.content.tables)} tables: {differences[0]}",
            differences,
        )


async def read_archive(
    settings: Settings, catalogue: Catalogue, backup: Backup, work: Work
) -> Manifest:
    """Checksum, decryption and pg_restore's own reading, without a server: no verification."""

    def read() -> Manifest:
        with opened(catalogue, backup, settings, None, work) as found:
            major_ = int(found.manifest.pg_dump_version.partition(".")[0])
            found.read_through(find("pg_restore", major_, settings.programs), work)
            return found.manifest

    return await in_thread(work, read)


def _check_room(folder: Path, size: int) -> None:
    free = shutil.disk_usage(folder).free
    if free < size + LEAST_ROOM:
        raise BackupError(
            f"{free // 1024**2} MiB are free in {folder.parent}, {size // 1024**2} and some are "
            "wanted: make room, or set TMPDIR"
        )
