"""Bad clients, in a process of their own: `python -m tests.faults.bad PORT CLIENTS`, until SIGTERM.

Of the slow ones half send a head a byte at a time, and half a body. Beside them one client sends
bodies of 100 MB, by length and in chunks, and one heads of a megabyte and of thousands of lines.
"""

import asyncio
import itertools
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import suppress

import uvloop

HOST = "127.0.0.1"
BYTE_PAUSE = 0.5
REST = 0.1
MEGABYTE = b"x" * 1_000_000
HEAD = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
SLOW_HEAD = b"GET /health HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + b"x" * 10_000
SLOW_BODY = HEAD + b"Content-Length: 10000\r\n\r\n"


async def main(port: int, clients: int) -> None:
    """All of them, each again when it has been got rid of."""
    over = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, over.set)
    every = [again(port, slow_head if at % 2 else slow_body) for at in range(clients)]
    tasks = [asyncio.create_task(each) for each in [*every, again(port, huge), again(port, flood)]]
    await over.wait()
    for each in tasks:
        each.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def again(port: int, kind) -> None:
    """One client after the other of that kind."""
    for turn in itertools.count():
        with suppress(OSError, TimeoutError):
            reader, writer = await asyncio.open_connection(HOST, port)
            reading = asyncio.create_task(reader.read(100_000))
            try:
                async for part in kind(turn):
                    if reading.done():
                        break
                    writer.write(part)
                    async with asyncio.timeout(5):
                        await writer.drain()
            finally:
                reading.cancel()
                writer.transport.abort()
        await asyncio.sleep(REST)


async def slow_head(_: int) -> AsyncIterator[bytes]:
    """Never gets to the end of its head."""
    yield SLOW_HEAD[:20]
    for at in range(20, len(SLOW_HEAD)):
        await asyncio.sleep(BYTE_PAUSE)
        yield SLOW_HEAD[at : at + 1]


async def slow_body(_: int) -> AsyncIterator[bytes]:
    """Never gets to the end of its body."""
    yield SLOW_BODY
    while True:
        await asyncio.sleep(BYTE_PAUSE)
        yield b" "


async def huge(turn: int) -> AsyncIterator[bytes]:
    """100 MB."""
    if turn % 2:
        yield HEAD + b"Content-Length: 100000000\r\n\r\n"
    else:
        yield HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
    for _ in range(100):
        yield MEGABYTE if turn % 2 else b"f4240\r\n" + MEGABYTE + b"\r\n"


async def flood(turn: int) -> AsyncIterator[bytes]:
    """A head without end."""
    yield b"GET /health HTTP/1.1\r\nHost: localhost\r\n"
    if turn % 2:
        yield b"X-Long: " + MEGABYTE
    else:
        yield b"".join(b"X-%d: x\r\n" % at for at in range(5000))


if __name__ == "__main__":
    uvloop.run(main(int(sys.argv[1]), int(sys.argv[2])))
