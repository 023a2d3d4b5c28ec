"""Clients that send bytes as they are, and read what comes back."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress

import httpx

from tests.deploy.nginx.site import NAME, Site

HOST = f"Host: {NAME}\r\n".encode()
LIMIT = 10.0


@contextmanager
def connected(
    site: Site, *offers: str, tls: bool = True, source: str = "127.0.0.1"
) -> Iterator[socket.socket]:
    """A connection to the site's port, with TLS or without."""
    port = site.https if tls else site.http
    with socket.create_connection(("127.0.0.1", port), LIMIT, (source, 0)) as plain:
        if not tls:
            yield plain
            return
        context = site.trust
        context.set_alpn_protocols(offers)
        with context.wrap_socket(plain, server_hostname=NAME) as secure:
            yield secure


def rest(connection: socket.socket) -> bytes:
    """Everything until the connection ends, however it does; it has to, in time."""
    received = b""
    with suppress(ConnectionError, ssl.SSLError):
        while part := connection.recv(65536):
            received += part
    return received


def answers(received: bytes) -> list[httpx.Response]:
    """The final answers in these bytes, each with Content-Length."""
    found = []
    while received:
        head, end, received = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        assert end, head
        assert first.startswith("HTTP/1.1 "), first
        fields = [tuple(line.split(": ", 1)) for line in lines]
        size = int(dict(fields).get("Content-Length", "0"))
        if not first.startswith("HTTP/1.1 1"):
            status = int(first.split()[1])
            found.append(httpx.Response(status, headers=fields, content=received[:size]))
        received = received[size:]
    return found


def say(site: Site, sent: bytes, *, tls: bool = True, source: str = "127.0.0.1") -> bytes:
    """What comes back for these bytes before the connection ends. They must make nginx end it."""
    with connected(site, "http/1.1", tls=tls, source=source) as connection:
        with suppress(ConnectionError, ssl.SSLError):  # refused before all of it was sent
            connection.sendall(sent)
        return rest(connection)
