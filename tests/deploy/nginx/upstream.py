"""A server behind nginx that counts what reaches it, and answers as it is told to."""

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import parse_headers
from io import BufferedReader
from socketserver import StreamRequestHandler, ThreadingTCPServer


@dataclass(frozen=True)
class Received:
    """A request that came with all of its body."""

    method: str
    path: str
    headers: list[tuple[str, str]]
    body: bytes

    def values(self, name: str) -> list[str]:
        """The header's values."""
        return [value for each, value in self.headers if each == name]


Answer = Callable[[Received], bytes | None]
"""What goes back as it is; None: the connection is closed without a word."""


def answer(status: int, body: bytes = b"{}", **headers: str) -> bytes:
    """An HTTP answer with the security header that would be doubled."""
    named = {"Content-Type": "application/json", "X-Frame-Options": "SAMEORIGIN", **headers}
    lines = [f"{name.replace('_', '-')}: {value}" for name, value in named.items()]
    lines = [f"HTTP/1.1 {status} As told", f"Content-Length: {len(body)}", *lines]
    return "\r\n".join([*lines, "", ""]).encode() + body


def echo(received: Received) -> bytes:
    """200, with what came."""
    told = {"method": received.method, "path": received.path, "headers": received.headers}
    return answer(200, json.dumps(told).encode())


def breaks_off(_received: Received) -> None:
    """Closes the connection: as a process that is killed while it works."""


@dataclass
class Upstream:
    """`received`: every request, in the order they came; `begun`: how many began to come."""

    address: str
    answer: Answer = echo
    received: list[Received] = field(default_factory=list)
    begun: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def silence(self, _received: Received) -> None:
        """Says nothing until the test is over."""
        self.done.wait(30)

    def count(self, method: str, path: str = "") -> int:
        """How many such requests came."""
        return sum(each.method == method and each.path.startswith(path) for each in self.received)


@contextmanager
def upstream(answered: Answer = echo, port: int = 0) -> Iterator[Upstream]:
    """Listens during the block."""

    class Handler(StreamRequestHandler):
        disable_nagle_algorithm = True

        def handle(self) -> None:
            while line := self.rfile.readline():
                running.begun += 1
                request = read(line, self.rfile)
                running.received.append(request)
                told = running.answer(request)
                if told is None:
                    return
                self.wfile.write(told)

    class Server(ThreadingTCPServer):
        allow_reuse_address = True
        daemon_threads = True
        request_queue_size = 128

        def handle_error(self, *_: object) -> None:
            """nginx may leave before the answer."""

    with Server(("127.0.0.1", port), Handler) as server:
        running = Upstream(f"127.0.0.1:{server.server_address[1]}", answered)
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            yield running
        finally:
            running.done.set()
            server.shutdown()
            thread.join()


def read(line: bytes, stream: BufferedReader) -> Received:
    """The request that begins with this line."""
    method, path, _ = line.decode().split()
    headers = [(name.lower(), value) for name, value in parse_headers(stream).items()]
    size = int(dict(headers).get("content-length", "0"))
    return Received(method, path, headers, stream.read(size))
