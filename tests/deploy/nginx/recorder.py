"""A server behind nginx that keeps the very bytes of what reaches it."""

import re
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

HEAD_END = b"\r\n\r\n"
# Nothing but lines of name, colon, value; no name that could be taken for another, with `_` in it.
LINES = re.compile(rb"[A-Z_-]+ [^\x00-\x20\x7f]+ HTTP/1\.1(\r\n[A-Za-z0-9-]+: [^\x00\r\n]*)+")
# What concerns the connection from the client to nginx alone.
HOP_BY_HOP = {
    b"connection",
    b"expect",
    b"keep-alive",
    b"proxy-connection",
    b"te",
    b"transfer-encoding",
    b"upgrade",
}


@dataclass(frozen=True)
class Bytes:
    """A request as it came. `head`: without the empty line; `connection`: which one, from 0."""

    head: bytes
    body: bytes
    connection: int

    @property
    def line(self) -> str:
        """Method and target."""
        return self.head.split(b"\r\n")[0].removesuffix(b" HTTP/1.1").decode("latin-1")

    def values(self, name: str) -> list[bytes]:
        """The header's values."""
        lines = [each.partition(b": ") for each in self.head.split(b"\r\n")[1:]]
        return [value for each, _, value in lines if each.lower() == name.encode()]

    def check(self, host: str) -> None:
        """That it can be read in one way only, and is for that host."""
        assert LINES.fullmatch(self.head), self.head
        names = [each.partition(b":")[0].lower() for each in self.head.split(b"\r\n")[1:]]
        for once in (b"host", b"x-request-id", b"x-forwarded-for", b"x-forwarded-host"):
            assert names.count(once) == 1, self.head
        assert names.count(b"content-length") <= 1, self.head
        assert HOP_BY_HOP.isdisjoint(names), self.head
        assert self.values("host") == self.values("x-forwarded-host") == [host.encode()]


@dataclass
class Recorder:
    """`requests`: what came whole; `torn`: what did not. `silent`: whether it keeps its answers to
    itself until the end. `body`: what it answers; `written`: how often it has."""

    address: str
    requests: list[Bytes] = field(default_factory=list)
    torn: list[bytes] = field(default_factory=list)
    connections: int = 0
    silent: bool = False
    body: bytes = b"{}"
    written: int = 0
    done: threading.Event = field(default_factory=threading.Event)

    def converse(self, peer: socket.socket, number: int) -> None:
        """Reads by Content-Length alone, so that whatever else might frame a body shows up as the
        beginning of another request."""
        kept = b""
        while True:
            while HEAD_END not in kept:
                if not (part := peer.recv(65536)):
                    if kept:
                        self.torn.append(kept)
                    return
                kept += part
            head, _, kept = kept.partition(HEAD_END)
            length = re.search(rb"\r\ncontent-length: (\d+)", head, re.IGNORECASE)
            size = int(length[1]) if length else 0
            while len(kept) < size:
                if not (part := peer.recv(65536)):
                    self.torn.append(head + HEAD_END + kept)
                    return
                kept += part
            request = Bytes(head, kept[:size], number)
            kept = kept[size:]
            self.requests.append(request)
            if self.silent:
                self.done.wait(30)
            said = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n" % len(self.body)
            for given in request.values("x-request-id"):
                said += b"X-Request-ID: %s\r\n" % given
            peer.sendall(said + b"\r\n" + self.body)
            self.written += 1


@contextmanager
def recorder() -> Iterator[Recorder]:
    """Listens during the block."""
    server = socket.create_server(("127.0.0.1", 0), backlog=512)
    running = Recorder(f"127.0.0.1:{server.getsockname()[1]}")

    def serve(peer: socket.socket, number: int) -> None:
        with peer, suppress(OSError):
            peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            running.converse(peer, number)

    def accept() -> None:
        with suppress(OSError):
            while True:
                peer, _ = server.accept()
                thread = threading.Thread(
                    target=serve, args=(peer, running.connections), daemon=True
                )
                running.connections += 1
                thread.start()

    thread = threading.Thread(target=accept)
    thread.start()
    try:
        yield running
    finally:
        running.done.set()
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        server.close()
