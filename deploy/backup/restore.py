"""A backup made into a new database. The one it came from is never touched."""

from __future__ import annotations

from deploy.backup import log
from deploy.backup.catalogue import Backup, Catalogue
from deploy.backup.database import connected, exists, identifier, literal, major, rename, scratch
from deploy.backup.manifest import Manifest
from deploy.backup.problems import BackupError, UsageError, shown
from deploy.backup.programs import Work, check_reader, find, in_thread
from deploy.backup.settings import Settings
from deploy.backup.url import DatabaseURL
from deploy.backup.verify import Opened, compare, opened


def target(settings: Settings, to: str) -> DatabaseURL:
    """The database of `--to`: a URL, or a name on the server of DATABASE_URL."""
    if "://" in to:
        return DatabaseURL.parse(to, "--to")
    if not to:
        raise UsageError("--to must name the new database")
    return settings.source().of(to)


async def restore(
    settings: Settings,
    catalogue: Catalogue,
    backup: Backup,
    to: DatabaseURL,
    work: Work,
    *,
    own: bool = False,
) -> Manifest:
    """With `own`, everything will belong to the role that restores, and grants are left out.

    It has another name until it is whole and compared. Raises `BackupError`.
    """
    server = await _maintenance(to)
    if await exists(server, to.database):
        raise BackupError(
            f"there is a database {shown(to.database)} already: restore to a new name, or rename "
            "or drop that one yourself"
        )
    async with connected(server) as connection:
        version = await major(connection)
    program = await in_thread(work, lambda: find("pg_restore", version, settings.programs))
    check_reader(program, version)
    stack = opened(catalogue, backup, settings, None, work)
    found = await in_thread(work, stack.__enter__)
    options = ("--no-owner", "--no-privileges") if own else ()
    try:
        async with scratch(server, found.content.properties, anywhere=False) as into:
            log.info("restore begun", name=str(backup.name), database=into.database)
            await in_thread(work, lambda: found.restore(into, program, work, *options))
            await compare(found, into, settings.time_limit)
            await _finish(found, into, settings.time_limit)
            await rename(server, into.database, to.database)
    finally:
        stack.__exit__(None, None, None)
    log.info("restored", name=str(backup.name), database=to.database, rows=found.content.rows)
    return found.manifest


async def _finish(found: Opened, into: DatabaseURL, limit: float) -> None:
    """The database's own settings, and the planner's statistics: neither is in the archive."""
    async with connected(into) as connection:
        for setting in found.content.properties.settings:
            key, _, value = setting.partition("=")
            if all(part.isidentifier() for part in key.split(".")):
                name = identifier(into.database)
                # Lists are kept as they were written, each item quoted at need.
                shape = value if key in {"search_path", "DateStyle"} and value else literal(value)
                await connection.execute(f"ALTER DATABASE {name} SET {key} TO {shape}")
        await connection.execute("ANALYZE", timeout=limit)


async def _maintenance(to: DatabaseURL) -> DatabaseURL:
    """A database of the server to work from: the new one is not there yet."""
    problem: BackupError | None = None
    for name in ("postgres", "template1"):
        try:
            async with connected(to.of(name)):
                return to.of(name)
        except BackupError as error:
            problem = problem or error
    raise problem or BackupError("the server cannot be reached")
