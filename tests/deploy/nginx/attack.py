"""Bad clients in a process of their own: `python -m tests.deploy.nginx.attack PORT`, until it is
ended. They begin headers and do not end them, send 100 MB, and flood with headers."""

import asyncio
import ssl
import sys
from contextlib import suppress
from itertools import count

from tests.deploy.nginx.site import NAME

SLOW = 200
BODY = 100 * 1024 * 1024
PART = b"x" * 65536
PATH = "/attacked"
HEAD = f"POST {PATH} HTTP/1.1\r\nHost: {NAME}\r\n".encode()
# From other addresses than well-behaved clients have: each address has its limits.
SLOW_SOURCES = tuple(f"127.0.1.{at}" for at in range(1, 5))


def context() -> ssl.SSLContext:
    """Takes any certificate."""
    made = ssl.create_default_context()
    made.check_hostname = False
    made.verify_mode = ssl.CERT_NONE
    return made


ANYBODY = context()


async def connect(port: int, source: str) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    """With TLS, from that address."""
    return await asyncio.open_connection(
        "127.0.0.1", port, ssl=ANYBODY, server_hostname=NAME, local_addr=(source, 0)
    )


async def slow(port: int, source: str) -> None:
    """A letter of a header a second."""
    _, writer = await connect(port, source)
    try:
        writer.write(HEAD + b"X-A: ")
        while True:
            writer.write(b"a")
            await writer.drain()
            await asyncio.sleep(1)
    finally:
        writer.transport.abort()


async def large(port: int, source: str, framing: bytes) -> None:
    """A body of 100 MB every few seconds, whatever is said meanwhile."""
    _, writer = await connect(port, source)
    try:
        writer.write(HEAD + framing + b"\r\n")
        for _ in range(BODY // len(PART)):
            chunk = b"%x\r\n%s\r\n" % (len(PART), PART) if b"chunked" in framing else PART
            writer.write(chunk)
            await writer.drain()
    finally:
        writer.transport.abort()
        await asyncio.sleep(5)


async def headers(port: int, source: str) -> None:
    """More headers than anybody takes."""
    reader, writer = await connect(port, source)
    try:
        writer.write(HEAD + b"".join(b"X-%d: %s\r\n" % (at, b"a" * 60) for at in range(1000)))
        writer.write(b"\r\n")
        await writer.drain()
        await reader.read()
    finally:
        writer.transport.abort()
    await asyncio.sleep(0.05)


async def again(attack, *arguments: object) -> None:
    """For ever."""
    for _ in count():
        with suppress(OSError):
            await attack(*arguments)
        await asyncio.sleep(0.01)


async def main(port: int) -> None:
    """All of them at once."""
    async with asyncio.TaskGroup() as group:
        for at in range(SLOW):
            source = SLOW_SOURCES[at % len(SLOW_SOURCES)]
            group.create_task(again(slow, port, source))
        group.create_task(again(large, port, "127.0.2.1", b"Content-Length: %d\r\n" % BODY))
        group.create_task(again(large, port, "127.0.2.2", b"Transfer-Encoding: chunked\r\n"))
        for at in range(2):
            group.create_task(again(headers, port, f"127.0.3.{at + 1}"))
        print("attacking", flush=True)


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1])))
