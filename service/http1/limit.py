"""A time limit that is set anew for every request, and hardly ever reached."""

import asyncio
from collections.abc import Callable


class Limit:
    """One timer for all of a connection's limits, of which one counts at a time. It is left where
    it is when the limit moves away from it: a timer of its own for each would cost more."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._timer: asyncio.TimerHandle | None = None
        self._due = 0.0
        self._reached: Callable[[], object] | None = None

    def set(self, seconds: float, reached: Callable[[], object]) -> None:
        """Calls `reached` in so many seconds, unless another limit is set before."""
        self._due = self._loop.time() + seconds
        self._reached = reached
        if self._timer is not None and self._timer.when() > self._due:
            self._timer.cancel()
            self._timer = None
        if self._timer is None:
            self._timer = self._loop.call_at(self._due, self._fire)

    def clear(self) -> None:
        """There is no limit now."""
        self._reached = None

    def stop(self) -> None:
        """There will be no limit any more."""
        self._reached = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _fire(self) -> None:
        self._timer = None
        if self._reached is None:
            return
        if self._loop.time() < self._due:
            self._timer = self._loop.call_at(self._due, self._fire)
            return
        reached, self._reached = self._reached, None
        reached()
