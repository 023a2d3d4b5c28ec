"""Idle connections for SQLAlchemy's pool, given to whoever has waited longest."""

import asyncio
from collections import deque
from contextlib import suppress

from sqlalchemy.pool import ConnectionPoolEntry
from sqlalchemy.util.concurrency import await_
from sqlalchemy.util.queue import Empty, Full, QueueCommon


class FairQueue(QueueCommon[ConnectionPoolEntry]):
    """The connection used last is used next; a returned one is handed to the first who waits.

    SQLAlchemy's own only wakes them, and whoever comes by meanwhile takes what they were woken
    for: with 200 clients on 30 connections, some waited until their time was up.
    """

    def __init__(self, maxsize: int = 0, use_lifo: bool = True) -> None:
        self.maxsize = maxsize
        self.use_lifo = use_lifo
        self._idle: list[ConnectionPoolEntry] = []
        self._waiters: deque[asyncio.Future[ConnectionPoolEntry]] = deque()

    def empty(self) -> bool:
        """Whether none is idle."""
        return not self._idle

    def full(self) -> bool:
        """Whether there is no place for another."""
        return 0 < self.maxsize <= len(self._idle)

    def qsize(self) -> int:
        """How many are idle."""
        return len(self._idle)

    def put(
        self,
        item: ConnectionPoolEntry,
        block: bool = True,  # noqa: ARG002 - there is a place for each of the pool
        timeout: float | None = None,  # noqa: ARG002
    ) -> None:
        """Hands the connection on, or keeps it. Raises `Full`."""
        self.put_nowait(item)

    def put_nowait(self, item: ConnectionPoolEntry) -> None:
        """As `put`."""
        while self._waiters:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(item)
                return
        if self.full():
            raise Full
        self._idle.append(item)

    def get_nowait(self) -> ConnectionPoolEntry:
        """An idle one. Raises `Empty`."""
        if not self._idle:
            raise Empty
        return self._idle.pop()

    def get(self, block: bool = True, timeout: float | None = None) -> ConnectionPoolEntry:
        """An idle one, or the next in turn. Raises `Empty` after `timeout` seconds."""
        if self._idle or not block:
            return self.get_nowait()
        entry: ConnectionPoolEntry = await_(self._next(timeout))
        return entry

    async def _next(self, timeout: float | None) -> ConnectionPoolEntry:
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.append(waiter)
        try:
            async with asyncio.timeout(timeout):
                entry: ConnectionPoolEntry = await waiter
        except BaseException as error:
            # It may have been handed a connection in the same moment.
            if waiter.done() and not waiter.cancelled():
                self.put_nowait(waiter.result())
            with suppress(ValueError):
                self._waiters.remove(waiter)
            if isinstance(error, TimeoutError):
                raise Empty from None
            raise
        return entry
