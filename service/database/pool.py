"""SQLAlchemy's pool, which does not say by itself who waits for a connection, nor in vain."""

from typing import Any, NamedTuple, Self, cast

from sqlalchemy.exc import TimeoutError as PoolTimeoutError
from sqlalchemy.pool import AsyncAdaptedQueuePool, ConnectionPoolEntry

from service.database.fair import FairQueue


class PoolState(NamedTuple):
    """Connections in use, those being opened among them, and idle; how many there may be; how many
    callers wait because there is none left, and how many have waited in vain so far."""

    in_use: int
    idle: int
    maximum: int
    waiting: int
    timeouts: int


class CountingPool(AsyncAdaptedQueuePool):
    """A pool without overflow that counts who waits, and serves them in turn."""

    _queue_class = FairQueue

    def __init__(self, *arguments: Any, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._waiting = 0
        self._timeouts = 0

    def recreate(self) -> Self:
        """An empty pool in its place, which counts on."""
        pool = cast("Self", super().recreate())
        pool._timeouts = self._timeouts  # noqa: SLF001 - one of its own kind
        return pool

    def _do_get(self) -> ConnectionPoolEntry:
        if self.checkedin() or self.checkedout() < self.size() or not self.size():
            return super()._do_get()
        self._waiting += 1
        try:
            return super()._do_get()
        except PoolTimeoutError:
            self._timeouts += 1
            raise
        finally:
            self._waiting -= 1

    def state(self) -> PoolState:
        """What the pool does now."""
        return PoolState(
            self.checkedout(), self.checkedin(), self.size(), self._waiting, self._timeouts
        )
