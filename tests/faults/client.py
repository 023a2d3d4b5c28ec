"""A careful HTTP/1.1 client that costs little and hides nothing: it never sends a request again by
itself, opens a new connection after `Connection: close`, and tells how a request failed."""

import asyncio
import re
from dataclasses import dataclass
from typing import cast

LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
CLOSE = re.compile(rb"\r\nconnection: *close\r", re.IGNORECASE)
RETRY_AFTER = re.compile(rb"\r\nretry-after: *\d", re.IGNORECASE)


class Failed(Exception):  # noqa: N818 - what became of a request
    """No answer; the message is a word for how."""


@dataclass(frozen=True)
class Answer:
    """What the server said. `last`: that it closes the connection now."""

    status: int
    last: bool
    retry_after: bool
    body: bytes


class Connection(asyncio.Protocol):
    """One connection, one request at a time. `port`: the client's own."""

    def __init__(self) -> None:
        self.port = 0
        self.is_open = False
        # The server said so, or has never been asked anything.
        self.may_close = True
        self._received = b""
        self._answer: asyncio.Future[Answer] | None = None

    @classmethod
    async def opened(cls, host: str, port: int, limit: float) -> "Connection":
        """A new one. Raises `Failed`."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(limit):
                _, connection = await loop.create_connection(cls, host, port)
        except ConnectionRefusedError:
            raise Failed("refused") from None
        except TimeoutError:
            raise Failed("not accepted") from None
        except OSError:
            raise Failed("reset at connect") from None
        return connection

    async def ask(self, request: bytes, limit: float) -> Answer:
        """The answer. Raises `Failed`."""
        self._answer = asyncio.get_running_loop().create_future()
        self.may_close = False
        self._transport.write(request)
        try:
            async with asyncio.timeout(limit):
                answer = await self._answer
        except TimeoutError:
            self.close()
            raise Failed("no answer") from None
        finally:
            self._answer = None
        if answer.last:
            self.may_close = True
            self.close()
        return answer

    def close(self) -> None:
        """Closes it from this side."""
        self.is_open = False
        self._transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """asyncio's."""
        self._transport = cast("asyncio.Transport", transport)
        self.port = transport.get_extra_info("sockname")[1]
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        """asyncio's."""
        self._received += data
        head_end = self._received.find(b"\r\n\r\n")
        if head_end < 0:
            return
        head = self._received[: head_end + 2]
        length = LENGTH.search(head)
        end = head_end + 4 + (int(length[1]) if length else 0)
        if len(self._received) < end:
            return
        body = self._received[head_end + 4 : end]
        self._received = self._received[end:]
        answer = Answer(
            int(head[9:12]), bool(CLOSE.search(head)), bool(RETRY_AFTER.search(head)), body
        )
        if self._answer is None or self._answer.done():
            # Nobody asked: a 408 before the end, say.
            self.may_close = answer.last
        else:
            self._answer.set_result(answer)

    def connection_lost(self, error: Exception | None) -> None:
        """asyncio's."""
        self.is_open = False
        if self._answer is not None and not self._answer.done():
            how = "half an answer" if self._received else "reset" if error else "closed"
            self._answer.set_exception(Failed(how))
