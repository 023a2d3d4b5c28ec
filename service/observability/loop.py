"""How late the event loop is: what every request of the process waits for, whatever it does."""

import asyncio
from collections.abc import Callable
from time import perf_counter

PERIOD = 0.5


async def watch(note: Callable[[float], None]) -> None:
    """Calls `note` twice a second with the seconds by which a wake-up came late; never returns."""
    while True:
        due = perf_counter() + PERIOD
        await asyncio.sleep(PERIOD)
        note(max(0.0, perf_counter() - due))
