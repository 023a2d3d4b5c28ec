"""A server of one loop in a thread, with a small application behind our connections, and a client
that sends bytes and reads answers."""

import asyncio
import http.client
import io
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager, suppress
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qs

import uvloop
from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext

from service.http1 import Connection, configuration
from tests.support import wait_until

LOOPS = {"uvloop": uvloop.new_event_loop, "asyncio": asyncio.new_event_loop}
HEADERS = ((b"x-content-type-options", b"nosniff"), (b"x-frame-options", b"SAMEORIGIN"))


@dataclass
class Seen:
    """A request that reached the application."""

    method: str
    path: str
    headers: list[tuple[bytes, bytes]]
    body: bytes = b""
    disconnect: dict[str, Any] | None = None


@dataclass
class Answer:
    """As it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    def header(self, name: str) -> str | None:
        """The one header of that name."""
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, self.headers
        return values[0] if values else None


@dataclass
class Server:
    """What it has seen and written, for a test that runs in another thread."""

    port: int
    loop: asyncio.AbstractEventLoop
    context: WorkerContext
    seen: list[Seen] = field(default_factory=list)
    writes: list[bytes] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    failures: list[BaseException] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)

    def connect(self, limit: float = 10) -> closing[socket.socket]:
        """A connection whose every wait has a limit."""
        return closing(socket.create_connection(("127.0.0.1", self.port), timeout=limit))

    def talk(self, data: bytes, *, fin: bool = False) -> bytes:
        """All that comes back until the server ends the connection."""
        with self.connect() as peer:
            peer.sendall(data)
            if fin:
                peer.shutdown(socket.SHUT_WR)
            return read_all(peer)

    def release(self) -> None:
        """Lets handlers that wait go on."""
        self.loop.call_soon_threadsafe(self.go.set)

    def run(self, coroutine: Any) -> Any:
        """Its result, from the server's loop."""
        return asyncio.run_coroutine_threadsafe(coroutine, self.loop).result(10)

    def until(self, condition: Callable[[], object], what: str = "the server") -> None:
        """Returns once it holds."""
        wait_until(condition, what)

    def is_quiet(self) -> bool:
        """No connection is left, and no task but the one that asks and the one that serves."""

        async def tasks() -> int:
            return len(asyncio.all_tasks())

        return not self.connections and self.run(tasks()) == 2


def read_all(peer: socket.socket) -> bytes:
    """Until the other side ends it, gently or not."""
    parts = []
    with suppress(ConnectionResetError):
        while part := peer.recv(65_536):
            parts.append(part)
    return b"".join(parts)


def read_answer(peer: socket.socket, method: str = "GET") -> Answer:
    """The next answer on a connection that stays open."""
    response = http.client.HTTPResponse(peer, method=method)
    response.begin()
    return Answer(response.status, response.getheaders(), response.read())


def answers(data: bytes, method: str = "GET") -> list[Answer]:
    """Everything in the bytes, which must be nothing but whole answers."""
    stream = io.BytesIO(data)
    stream.close = lambda: None  # type: ignore[method-assign]
    source: Any = SimpleNamespace(makefile=lambda _: stream)
    found = []
    while stream.tell() < len(data):
        found.append(read_answer(source, method))
    return found


@dataclass
class Call:
    """A request being handled."""

    server: Server
    seen: Seen
    query: dict[str, str]
    receive: Any
    send: Any

    async def read(self) -> bool:
        """Whether all of the body has come."""
        while (message := await self.receive())["type"] == "http.request":
            self.seen.body += message["body"]
            if not message["more_body"]:
                return True
        self.seen.disconnect = message
        return False

    async def answer(self, status: int = 200, body: bytes = b"") -> None:
        """All of it, with its length."""
        headers = [] if status in {204, 304} else [(b"content-length", b"%d" % len(body))]
        await self.start(status, headers)
        await self.part(body, more=False)

    async def start(self, status: int = 200, headers: Any = ()) -> None:
        await self.send({"type": "http.response.start", "status": status, "headers": headers})

    async def part(self, body: bytes, *, more: bool = True) -> None:
        await self.send({"type": "http.response.body", "body": body, "more_body": more})


async def wait(call: Call) -> None:
    gone = asyncio.create_task(call.receive())
    released = asyncio.create_task(call.server.go.wait())
    await asyncio.wait({gone, released}, return_when=asyncio.FIRST_COMPLETED)
    if gone.done():
        call.seen.disconnect = gone.result()
        released.cancel()
    else:
        gone.cancel()
        await call.answer(body=b"waited")


async def hold(call: Call) -> None:
    await call.server.go.wait()
    await call.answer(body=b"held")


async def stream(call: Call) -> None:
    await call.start()
    for part in (b"one", b"two", b"three"):
        await call.part(part)
    await call.part(b"", more=False)


async def silent(_: Call) -> None:
    return


async def broken(call: Call) -> None:
    await call.start()
    raise RuntimeError("broken")


async def half(call: Call) -> None:
    await call.start(headers=[(b"content-length", b"10")])
    await call.part(b"half")
    raise RuntimeError("half")


# These do not read the body; all others have.
UNREAD = {
    "/unread": lambda call: call.answer(body=b"unread"),
    "/hold": hold,
}
PAGES = {
    "/wait": wait,
    "/big": lambda call: call.answer(body=bytes(int(call.query["bytes"]))),
    "/stream": stream,
    "/silent": silent,
    "/broken": broken,
    "/half": half,
    "/status": lambda call: call.answer(int(call.query["code"])),
}


async def application(server: Server, scope: Any, receive: Any, send: Any) -> None:
    """Notes the request and answers as its path says; elsewhere, with its body."""
    seen = Seen(scope["method"], scope["path"], list(scope["headers"]))
    server.seen.append(seen)
    query = {name: values[0] for name, values in parse_qs(scope["query_string"].decode()).items()}
    call = Call(server, seen, query, receive, send)
    if page := UNREAD.get(seen.path):
        await page(call)
    elif await call.read():
        if page := PAGES.get(seen.path):
            await page(call)
        else:
            await call.answer(body=seen.body or b"ok")


@contextmanager
def serving(loop: str = "uvloop", **limits: float) -> Iterator[Server]:
    """A server that is quiet again in the end. `limits`: attributes of its settings."""
    made = LOOPS[loop]()
    listener = socket.create_server(("127.0.0.1", 0), backlog=512)
    settings = configuration(limits.pop("keep_alive", 20), HEADERS)
    for name, value in limits.items():
        assert hasattr(settings, name)
        setattr(settings, name, value)
    server = Server(listener.getsockname()[1], made, WorkerContext(None))

    async def app(scope: Any, receive: Any, send: Any) -> None:
        await application(server, scope, receive, send)

    async def converse(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        write = writer.write

        def noting(data: bytes) -> None:
            server.writes.append(bytes(data))
            write(data)

        writer.write = noting  # type: ignore[method-assign]
        connection = Connection(ASGIWrapper(app), settings, server.context, reader, writer)
        server.connections.append(connection)
        try:
            await connection
        except BaseException as error:
            server.failures.append(error)
            raise
        finally:
            server.connections.remove(connection)

    ended = asyncio.Event()

    async def serve() -> None:
        async with await asyncio.start_server(converse, sock=listener):
            await ended.wait()

    def run() -> None:
        asyncio.set_event_loop(made)
        made.run_until_complete(serve())
        made.close()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        yield server
        server.release()
        wait_until(server.is_quiet, "every connection and its tasks to end")
        assert server.failures == []
    finally:
        made.call_soon_threadsafe(ended.set)
        thread.join(10)


def request(
    target: str = "/", *lines: str, method: str = "GET", body: bytes = b"", host: str = "x"
) -> bytes:
    """A request of HTTP/1.1; a body brings its own Content-Length."""
    more = [f"Content-Length: {len(body)}"] if body else []
    head = "\r\n".join([f"{method} {target} HTTP/1.1", f"Host: {host}", *lines, *more])
    return head.encode("latin-1") + b"\r\n\r\n" + body


def trickle(peer: socket.socket, data: bytes, pause: float = 0) -> None:
    """Sends it byte by byte, as far as the other side lets."""
    with suppress(ConnectionError):
        for at in range(len(data)):
            peer.sendall(data[at : at + 1])
            time.sleep(pause)
