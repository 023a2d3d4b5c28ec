"""Waits that can be ended all at once."""

from __future__ import annotations

import asyncio
from types import TracebackType
from typing import Self


class Waits:
    """Who waits now."""

    def __init__(self) -> None:
        self._limits: set[asyncio.Timeout] = set()

    def wait(self) -> Wait:
        """A wait that is one of these for the length of a block."""
        return Wait(self._limits)

    def end(self) -> None:
        """End each of them with a `TimeoutError`."""
        now = asyncio.get_running_loop().time()
        for limit in self._limits:
            if not limit.expired():
                limit.reschedule(now)


class Wait:
    """A block that `Waits.end` ends, unless the wait was `over` before."""

    def __init__(self, limits: set[asyncio.Timeout]) -> None:
        self._limits = limits
        self._limit = asyncio.timeout(None)

    async def __aenter__(self) -> Self:
        await self._limit.__aenter__()
        self._limits.add(self._limit)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.over()
        await self._limit.__aexit__(kind, error, trace)

    def over(self) -> None:
        """What was waited for is there; what follows in the block is no wait."""
        self._limits.discard(self._limit)
