"""A connection beside the pool, by which the process asks whether the database answers at all."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg

from service.database.connections import Connection, Connections
from service.database.unavailable import DatabaseUnavailable

# A migration may hold the table that is asked for; the probe has no time to wait for it.
LIMIT_LOCKS = "SET LOCAL lock_timeout = '500ms'"
# What asyncpg says on a connection that has gone, or is going.
LOST = (asyncpg.PostgresError, asyncpg.InterfaceError, asyncpg.InternalClientError, OSError)


class Probe:
    """Connects when it is first asked, and again when its connection was lost."""

    def __init__(self, connections: Connections) -> None:
        self._connections = connections
        self._connection: Connection | None = None
        self._turn = asyncio.Lock()

    async def ask(self) -> None:
        """One round trip. Raises what asyncpg does; a connection that turns out to be dead is
        replaced first, because one is no sign."""
        async with self._turn:
            if self._connection is not None:
                with suppress(*LOST):
                    await select_one(self._connection)
                    return
            connection = await self._connections.open()
            self.adopt(connection)
            await select_one(connection)

    async def column(self, query: str) -> list[Any]:
        """The first column of what the query finds, on the connection there is."""
        async with self._turn:
            if self._connection is None:
                raise DatabaseUnavailable("connection lost")
            try:
                # A pooler keeps the parts of a transaction together, and nothing else.
                async with self._connection.transaction():
                    await self._connection.execute(LIMIT_LOCKS)
                    return [row[0] for row in await self._connection.fetch(query)]
            except asyncpg.LockNotAvailableError as error:
                raise DatabaseUnavailable("statement timeout") from error

    def adopt(self, connection: Connection) -> None:
        """Takes this connection for its own."""
        self.drop()
        self._connection = connection

    def drop(self) -> None:
        """Cuts its connection; whoever waits for an answer on it fails now."""
        if self._connection is not None:
            self._connection.terminate()
            self._connection = None


async def select_one(connection: Connection) -> None:
    """One message there and one back, in a pooler's transaction mode too."""
    await connection.execute("SELECT 1")
