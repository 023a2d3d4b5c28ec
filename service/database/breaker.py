"""The breaker: while the database is away nobody waits for it, and it is noticed coming back.

It opens when the database refuses connections, or is silent: somebody waits for an answer, the
probe's own question stays unanswered, and nothing at all is heard from it meanwhile, while this
process's event loop turns as it should. A statement that takes long, a pool with no connection left
and a backend that is killed are none of that. Open, it ends every wait, drops every connection and
refuses callers, until a new connection answers.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from types import TracebackType
from typing import Any, TypeVar

import asyncpg

from service.database.connections import Connections
from service.database.probe import Probe, select_one
from service.database.unavailable import DatabaseUnavailable, is_an_answer, reason_of
from service.database.waits import Waits
from service.patience import TURN, finishes, patience

# Nobody is asked while answers come; after this many seconds without one the probe asks.
QUIET = 0.2
# How many seconds of turns the database may be silent from then on.
SILENCE = 0.75
# The probe's own connection may be the only one that hangs: how long until it takes another.
STUCK = 1.0
# A request whose connection was lost waits this long to hear whether that was the only one.
VERDICT_LIMIT = 0.25
# While the breaker is open: a new attempt each second, those before it going on, and ten a second
# of those that fail at once.
ATTEMPT_EVERY = 1.0
PAUSE = 0.1
ATTEMPT_LIMIT = 5.0

# What PgBouncer says to whom it kept waiting because its own connections are all in use.
WAITED_IN_VAIN = "query_wait_timeout"
T = TypeVar("T")

HONEST = frozenset({"pool timeout", "statement timeout", "too many connections"})
"""What a database that is there says: no reason to ask it."""


@dataclass(frozen=True, slots=True)
class Change:
    """The database has gone, or come back, which is when `reason` is None, after `seconds`.
    `error`: what no fixed phrase is known for."""

    reason: str | None
    seconds: float = 0.0
    error: BaseException | None = None


class Breaker:
    """`silence`: how many seconds the database may be silent, where a pooler may keep it so.
    `drop_pool`: forgets the pool's connections, which are cut. `on_change` is told of each.

    `async with` it around each use of the database. Raises `DatabaseUnavailable`, also for an error
    of the block that says so."""

    def __init__(
        self, connections: Connections, drop_pool: Callable[[], None], *, silence: float = SILENCE
    ) -> None:
        self.reason: str | None = None
        self.openings = 0
        self.on_change: Callable[[Change], None] = lambda _: None
        self.waits = Waits()
        self.probe = Probe(connections)
        self._connections = connections
        self._drop_pool = drop_pool
        self._silence = round(silence / TURN)
        self._silent = 0
        self._busy = 0
        self._heard = 0
        self._closed = False
        self._watching: asyncio.Task[None] | None = None
        self._testing: asyncio.Task[str | None] | None = None
        self._recovering: asyncio.Task[None] | None = None

    async def __aenter__(self) -> None:
        if self.reason is not None:
            raise DatabaseUnavailable(self.reason, outage=True)
        self._busy += 1
        if self._watching is None:
            self._watching = _begin(self._watch())

    async def __aexit__(
        self,
        _kind: type[BaseException] | None,
        error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        try:
            if error is None:
                self._heard += 1
            elif isinstance(error, Exception):
                unavailable = await self._unavailable(error)
                if unavailable is not None:
                    raise unavailable from error
        finally:
            self._busy -= 1

    async def _unavailable(self, error: Exception) -> DatabaseUnavailable | None:
        """What a request that ended in this error is told; None for a bug, which stays what it is.
        What may be an outage makes the probe ask at once."""
        if is_an_answer(error):
            self._heard += 1
        reason = reason_of(error)
        if reason is None:
            return None
        if self.reason is None and reason not in HONEST and not self._closed:
            await finishes(self._test(), VERDICT_LIMIT)
        if self.reason is not None:
            return DatabaseUnavailable(self.reason, outage=True)
        return DatabaseUnavailable(reason)

    async def ask(self, limit: float) -> str | None:
        """None if the database answers, or else why not, after `limit` seconds at the latest."""
        if self.reason is not None:
            return self.reason
        testing = self._test()
        if not await finishes(testing, limit) or testing.cancelled():
            return "timeout"
        return testing.result()

    async def close(self) -> None:
        """Ends the probe, and what it does."""
        self._closed = True
        for task in (self._watching, self._testing, self._recovering):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self.probe.drop()

    async def _watch(self) -> None:
        """Asks when those who wait hear nothing; ends when nobody waits."""
        try:
            while self.reason is None:
                heard = self._heard
                await asyncio.sleep(QUIET)
                if not self._busy:
                    self._silent = 0
                    return
                # The first question only connects the probe, while that is easy.
                if heard == self._heard or self._testing is None:
                    await asyncio.wait({self._test()})
        finally:
            self._watching = None

    def _test(self) -> asyncio.Task[str | None]:
        """The probe's question, which all who want to know share."""
        if self._testing is None or self._testing.done():
            self._testing = _begin(self._tested())
        return self._testing

    async def _tested(self) -> str | None:
        """None if the database answers, or why not; opens the breaker if that is an outage."""
        began = self._heard
        limit = asyncio.timeout(None)
        try:
            async with limit:
                self._count_turn(limit, began, 0)
                try:
                    await self.probe.ask()
                finally:
                    self._next_turn.cancel()
        except Exception as error:
            return self._judged(error, heard=self._heard != began)
        self._heard += 1
        self._silent = 0
        return None

    def _count_turn(self, limit: asyncio.Timeout, heard: int, turn: int) -> None:
        """Ends the probe's question when the database was silent for too many turns of the event
        loop: time in which the loop did not turn is no silence of the database's."""
        loop = asyncio.get_running_loop()
        self._silent = 0 if self._heard != heard else self._silent + (turn > 0)
        if self._silent < self._silence and turn < self._silence + STUCK / TURN:
            count = (limit, self._heard, turn + 1)
            self._next_turn = loop.call_later(TURN, self._count_turn, *count)
        else:
            limit.reschedule(loop.time())

    def _judged(self, error: Exception, *, heard: bool) -> str | None:
        if isinstance(error, TimeoutError):
            self.probe.drop()
            if self._silent >= self._silence:
                self._open("timeout")
            return None if heard else "timeout"
        reason = reason_of(error)
        if isinstance(error, asyncpg.TooManyConnectionsError):
            self._heard += 1
        elif is_an_answer(error) and self._connections.any_is_open():
            pass  # the pool's are still good: a password that is new, for instance
        elif WAITED_IN_VAIN not in str(error):
            known = "connection refused" if is_an_answer(error) else None
            self._open(reason or known or "cannot connect", None if reason or known else error)
        return self.reason or reason or "cannot connect"

    def _open(self, reason: str, error: BaseException | None = None) -> None:
        if self.reason is not None:
            return
        self.reason = reason
        self.openings += 1
        self._silent = 0
        loop = asyncio.get_running_loop()
        self.waits.end()
        self.probe.drop()
        self._connections.cut()
        self._drop_pool()
        self._recovering = _begin(self._recover(loop.time()))
        self.on_change(Change(reason, error=error))

    async def _recover(self, since: float) -> None:
        """Connects until PostgreSQL answers. An attempt that hangs does not hold up the next, and
        may still be the one: connecting may take long."""
        attempts: set[asyncio.Task[None]] = set()
        try:
            while self.reason is not None:
                attempts.add(asyncio.create_task(self._attempt()))
                done, attempts = await asyncio.wait(
                    attempts, timeout=ATTEMPT_EVERY, return_when=asyncio.FIRST_COMPLETED
                )
                if any(each.exception() is None for each in done):
                    self.reason = None
                elif done:
                    self.reason = reason_of(done.pop().exception()) or self.reason
                    await asyncio.sleep(PAUSE)
        finally:
            for each in attempts:
                each.cancel()
        self._heard += 1
        self.on_change(Change(None, asyncio.get_running_loop().time() - since))

    async def _attempt(self) -> None:
        async with patience(ATTEMPT_LIMIT):
            try:
                connection = await self._connections.open()
            except asyncpg.TooManyConnectionsError:
                return  # it is there: whoever gets a connection is answered
            try:
                await select_one(connection)
            except BaseException:
                connection.terminate()
                raise
        self.probe.adopt(connection)


def _begin(work: Coroutine[Any, Any, T]) -> asyncio.Task[T]:
    """A task that is no part of the request that happened to begin it."""
    return asyncio.create_task(work, context=Context())
