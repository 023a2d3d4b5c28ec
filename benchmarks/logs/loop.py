"""An event loop beside which a log is read: how late it is, and what has changed."""

import asyncio
import time

from console.logs.files.scan import SliceScan

_TICK = 0.005


class Ticker:
    """Ticks in the running loop; `late` is the longest a tick was overdue."""

    def __init__(self) -> None:
        self.late = 0.0
        self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        while True:
            due = time.perf_counter() + _TICK
            await asyncio.sleep(_TICK)
            self.late = max(self.late, time.perf_counter() - due)

    def stop(self) -> float:
        """Ends it; returns `late`."""
        self._task.cancel()
        return self.late


class Changes:
    """What a scan calls when it has found more, as something a coroutine can wait for."""

    def __init__(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._event = asyncio.Event()

    def __call__(self) -> None:
        self._loop.call_soon_threadsafe(self._event.set)

    async def until_complete(self, scan: SliceScan) -> None:
        """Wait for the end of a scan."""
        while not scan.complete:
            await self._event.wait()
            self._event.clear()
