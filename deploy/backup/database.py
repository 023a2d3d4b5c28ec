"""Connections, and the databases this command makes for itself."""

from __future__ import annotations

import secrets
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import asyncpg

from deploy.backup import log
from deploy.backup.manifest import Properties
from deploy.backup.problems import BackupError
from deploy.backup.url import DatabaseURL

CONNECT_LIMIT = 10.0
STATEMENT_LIMIT = 120.0
SCRATCH = "quartermaster_backup"
# A database of ours that is older was left behind by a process that died.
LEFT_BEHIND = 86_400


@asynccontextmanager
async def connected(url: DatabaseURL) -> AsyncIterator[Any]:
    """A connection. What PostgreSQL, or the way there, has to say becomes a `BackupError`."""
    try:
        connection = await asyncpg.connect(
            url.dsn,
            timeout=CONNECT_LIMIT,
            command_timeout=STATEMENT_LIMIT,
            statement_cache_size=0,
            server_settings={"application_name": "backup"},
        )
    except (OSError, TimeoutError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        told = str(error) or "no answer in time"
        raise BackupError(f"the database {url.database} cannot be reached: {told}") from error
    try:
        yield connection
    except asyncpg.LockNotAvailableError:
        raise BackupError("a migration holds a lock: back up again after it") from None
    except asyncpg.InsufficientPrivilegeError as error:
        raise BackupError(f"{error}: GRANT pg_read_all_data TO the role") from error
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError) as error:
        told = str(error) or "no answer in time"
        raise BackupError(f"the database {url.database}: {told}") from error
    finally:
        # At once: a transaction that is still open is of no use to anybody.
        connection.terminate()


async def major(connection: Any) -> int:
    """The server's version, as 18."""
    return int(await connection.fetchval("SELECT current_setting('server_version_num')")) // 10_000


async def exists(server: DatabaseURL, database: str) -> bool:
    """Whether the server has a database of that name."""
    async with connected(server) as connection:
        return bool(
            await connection.fetchval("SELECT 1 FROM pg_database WHERE datname = $1", database)
        )


@asynccontextmanager
async def scratch(
    server: DatabaseURL, properties: Properties, *, anywhere: bool
) -> AsyncIterator[DatabaseURL]:
    """An empty database of our own, dropped on leaving the block unless it was renamed.

    With `anywhere`, a server that lacks the locale gets one in C: for a comparison it will do.
    """
    name = f"{SCRATCH}_{int(time.time())}_{secrets.token_hex(4)}"
    async with connected(server) as connection:
        await _drop_left_behind(connection)
        await _create(connection, name, properties, anywhere=anywhere)
    try:
        yield server.of(name)
    finally:
        async with connected(server) as connection:
            await connection.execute(f"DROP DATABASE IF EXISTS {identifier(name)} WITH (FORCE)")


async def rename(server: DatabaseURL, old: str, new: str) -> None:
    """Gives a database its name; fails if another has it by now."""
    async with connected(server) as connection:
        await connection.execute(f"ALTER DATABASE {identifier(old)} RENAME TO {identifier(new)}")


async def _create(connection: Any, name: str, properties: Properties, *, anywhere: bool) -> None:
    plain = f"CREATE DATABASE {identifier(name)} TEMPLATE template0"
    plain += f" ENCODING {literal(properties.encoding)}"
    try:
        try:
            await connection.execute(f"{plain} {_locale(properties)}")
        except (asyncpg.WrongObjectTypeError, asyncpg.InvalidParameterValueError) as error:
            if not anywhere:
                raise BackupError(
                    f"the server has not the locale of this database: {error}"
                ) from error
            log.warning("the server has not the locale of this database: using C", reason=error)
            await connection.execute(f"{plain} LC_COLLATE 'C' LC_CTYPE 'C'")
    except asyncpg.InsufficientPrivilegeError:
        raise BackupError(
            "the role may not create databases: ALTER ROLE … CREATEDB, or set "
            "BACKUP_VERIFY_DATABASE_URL to a server where it may"
        ) from None


def _locale(properties: Properties) -> str:
    options = {"LC_COLLATE": properties.collate, "LC_CTYPE": properties.ctype}
    # One letter in the catalogue: libc, icu, builtin. Before PostgreSQL 15 there was none.
    provider = {"i": "icu", "b": "builtin"}.get(properties.provider)
    if provider and properties.locale:
        options |= {
            "LOCALE_PROVIDER": provider,
            f"{provider.upper()}_LOCALE": properties.locale,
        }
    return " ".join(f"{option} {literal(value)}" for option, value in options.items())


async def _drop_left_behind(connection: Any) -> None:
    """Databases whose makers died: with a day's patience, and never one somebody is in."""
    found = await connection.fetch(
        "SELECT datname FROM pg_database AS d WHERE datname ~ $1 AND NOT EXISTS"
        " (SELECT FROM pg_stat_activity AS a WHERE a.datid = d.oid)",
        f"^{SCRATCH}_[0-9]+_[0-9a-f]{{8}}$",
    )
    for (name,) in found:
        if int(name.split("_")[-2]) < time.time() - LEFT_BEHIND:
            log.warning("dropping a database left behind", database=name)
            await connection.execute(f"DROP DATABASE IF EXISTS {identifier(name)}")


def identifier(name: str) -> str:
    """The name in SQL."""
    return '"' + name.replace("\0", "").replace('"', '""') + '"'


def literal(text: str) -> str:
    """The text in SQL, whatever standard_conforming_strings is."""
    escaped = text.replace("\0", "").replace("\\", "\\\\").replace("'", "''")
    return f" E'{escaped}'"
