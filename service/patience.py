"""Time as this process lives it: a wait of many turns is long only if the event loop turned.

A process that is itself late, for want of CPU, takes longer for each turn, and does not blame whom
it asked.
"""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

TURN = 0.05


@asynccontextmanager
async def patience(limit: float) -> AsyncIterator[None]:
    """Ends the block with a `TimeoutError` after `limit` seconds of turns."""
    loop = asyncio.get_running_loop()
    async with asyncio.timeout(None) as timeout:
        next_turn = loop.call_later(TURN, lambda: turn(round(limit / TURN) - 1))

        def turn(left: int) -> None:
            nonlocal next_turn
            if left > 0:
                next_turn = loop.call_later(TURN, turn, left - 1)
            else:
                timeout.reschedule(loop.time())

        try:
            yield
        finally:
            next_turn.cancel()


async def finishes(task: asyncio.Task[Any], limit: float) -> bool:
    """Whether the task ends within `limit` seconds of turns; it is left alone if it does not."""
    for _ in range(round(limit / TURN)):
        done, _ = await asyncio.wait({task}, timeout=TURN)
        if done:
            return True
    return False
