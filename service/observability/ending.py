"""Sending what is still waiting to be sent, without waiting for who does not take it."""

import asyncio
import threading
from collections.abc import Callable, Iterable
from contextlib import suppress

import structlog

log = structlog.get_logger()


async def end(works: Iterable[Callable[[], None]], *, limit: float) -> None:
    """Returns once all of them have, or after `limit` seconds.

    Each in a thread of its own that the process does not wait for: asyncio's it would.
    """
    loop = asyncio.get_running_loop()
    futures = []
    for work in works:
        done = loop.create_future()
        futures.append(done)
        arguments = work, loop, done
        threading.Thread(target=_run, args=arguments, name="ending", daemon=True).start()
    if futures:
        _, late = await asyncio.wait(futures, timeout=limit)
        if late:
            log.warning("a receiver of errors or traces did not take what was left", limit=limit)


def _run(
    work: Callable[[], None], loop: asyncio.AbstractEventLoop, done: asyncio.Future[None]
) -> None:
    try:
        work()
    except Exception as error:
        log.warning("errors or traces could not be sent", exc_info=error)
    with suppress(RuntimeError):  # the loop has closed meanwhile
        loop.call_soon_threadsafe(done.set_result, None)
