"""Every connection of this process: opened in one way, so that all of them can be cut at once."""

from __future__ import annotations

from contextlib import suppress
from weakref import WeakSet

import asyncpg

from service.database import pooler as pooling
from service.database.url import DatabaseURL
from service.patience import patience

CONNECT_TIMEOUT = 5.0
# By the clock, however little this process runs.
HOPELESS = 60.0
# The server cancels a slow statement first; this is for a server that no longer answers at all.
CLIENT_GRACE = 1.0
# How long PostgreSQL may take to see a connection off; one that is cut is closed as well.
CLOSE_LIMIT = 1.0


class Connection(asyncpg.Connection):  # type: ignore[misc] # asyncpg has no types
    """asyncpg's, which waits for a server that does not answer no longer than `CLOSE_LIMIT`: for
    the end of a statement whose client has gone as well."""

    async def close(self, *, timeout: float | None = None) -> None:
        """Closes it; by force where the server does not join in."""
        limit = CLOSE_LIMIT if timeout is None else min(timeout, CLOSE_LIMIT)
        with suppress(OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
            await super().close(timeout=limit)


class Connections:
    """Opens connections to `url`. `statement_timeout`: seconds. `pooler`: what stands between, as
    DATABASE_POOLER has it."""

    def __init__(self, url: DatabaseURL, *, statement_timeout: float, pooler: str = "") -> None:
        self._limit = url.connect_timeout or CONNECT_TIMEOUT
        self._arguments = {
            "dsn": url.dsn,
            "timeout": HOPELESS,
            "command_timeout": statement_timeout + CLIENT_GRACE,
            "server_settings": {"statement_timeout": str(int(statement_timeout * 1000))},
            "connection_class": Connection,
            **({"ssl": url.tls} if url.tls else {}),
            **(pooling.connect_args(statement_timeout, Connection) if pooler else {}),
        }
        self._open: WeakSet[Connection] = WeakSet()

    async def open(self) -> Connection:
        """A new connection. Raises what asyncpg does."""
        async with patience(self._limit):
            connection: Connection = await asyncpg.connect(**self._arguments)
        self._open.add(connection)
        return connection

    def any_is_open(self) -> bool:
        """Whether there is one that nobody has closed, as far as this side knows."""
        return any(not each.is_closed() for each in self._open)

    def cut(self) -> None:
        """Ends all of them, asking nobody: whoever waits for an answer on one fails now."""
        for each in list(self._open):
            each.terminate()
        self._open.clear()
