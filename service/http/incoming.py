"""The body of a request that is answered before all of it has come.

Hypercorn then closes the connection, without a word: the next request of a proxy that keeps its
connections would be lost, and a client still sending would be reset before it reads the answer.
"""

import asyncio
from contextlib import suppress
from typing import TypedDict, cast

from hypercorn.typing import ASGIReceiveCallable, ASGIReceiveEvent

from service.http.exchange import current_exchange

# A body this small is on its way in one packet: it is worth waiting for, in bytes and seconds.
SMALL = 64 * 1024
SMALL_LIMIT = 1.0
# How long the rest of a larger one is read and thrown away after the answer, in seconds.
LINGER_LIMIT = 5.0


class Refusing(TypedDict, total=False):
    """An `http.disconnect` of our own server: `refused` is what it has answered by itself, to what
    came after the head."""

    refused: int


class IncomingBody:
    """Passes a body of `size` bytes (-1: not known) on, and notes when all of it has come.

    `most`: bytes after which it ends for the application, one part too late to be accepted. Quart
    would keep all of it, from 0.23 on.
    """

    def __init__(self, receive: ASGIReceiveCallable, size: int, most: int) -> None:
        self._receive = receive
        self._size = size
        self._room = most
        self._end = asyncio.Event()

    async def __call__(self) -> ASGIReceiveEvent:
        """ASGI's `receive`. Quart calls it as long as the request lasts, read or not."""
        while True:
            message = await self._receive()
            if message["type"] != "http.request":
                self._end.set()
                if status := cast("Refusing", message).get("refused"):
                    current_exchange.get().status = status
                return message
            if not message["more_body"]:
                self._end.set()
            if self._room >= 0:
                self._room -= len(message["body"])
                message["more_body"] = message["more_body"] and self._room >= 0
                return message

    @property
    def is_open(self) -> bool:
        """Whether some of it is still to come."""
        return not self._end.is_set()

    async def arrives(self) -> bool:
        """Whether all of it has come, or comes at once; if not, the connection cannot be kept."""
        if self.is_open and self._size <= SMALL:
            await self._wait(SMALL_LIMIT)
        return not self.is_open

    async def linger(self) -> None:
        """Waits for the rest, or for the client to go, so that it reads the answer first."""
        await self._wait(LINGER_LIMIT)

    async def _wait(self, seconds: float) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._end.wait()
