"""A program: sends itself some requests, and prints what of them needs the garbage collector."""

import asyncio
import gc
import json
import socket
from collections import Counter

from service.app import create_app
from service.server import serve

REQUESTS = 20
GET = b"GET %s HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"


async def ask(port: int, path: bytes) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    for _ in range(REQUESTS):
        writer.write(GET % path)
        head = await reader.readuntil(b"\r\n\r\n")
        assert head.startswith(b"HTTP/1.1 200"), head
        length = int(head.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0])
        await reader.readexactly(length)
    writer.close()
    await writer.wait_closed()


async def main() -> None:
    listener = socket.create_server(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    shutdown, ready = asyncio.Event(), asyncio.Event()
    serving = asyncio.create_task(
        serve(create_app(), [listener], shutdown=shutdown, graceful_timeout=5, ready=ready.set)
    )
    await asyncio.wait_for(ready.wait(), 30)
    found = {}
    for path in (b"/health/live", b"/health"):
        await ask(port, path)
        gc.collect()
        gc.disable()
        gc.set_debug(gc.DEBUG_SAVEALL)
        await ask(port, path)
        await asyncio.sleep(0)
        gc.collect()
        gc.set_debug(0)
        names = Counter(f"{type(each).__module__}.{type(each).__qualname__}" for each in gc.garbage)
        found[path.decode()] = names
        gc.garbage.clear()
        gc.enable()
    shutdown.set()
    await serving
    print(json.dumps(found))


if __name__ == "__main__":
    asyncio.run(main())
