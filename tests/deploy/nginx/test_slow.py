"""Clients that take their time: while a request or an answer dawdles, it is nginx that waits."""

import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from time import monotonic

import pytest

from tests.deploy.nginx.recorder import Recorder, recorder
from tests.deploy.nginx.site import NAME, Change, Site, nginx, servers
from tests.deploy.nginx.wire import HOST, connected, rest
from tests.support import wait_until

BODY = b"x" * 8 * 1024 * 1024


def dripping(site: Site, behind: Recorder) -> None:
    """A header that never pauses for long, and never ends, is given up all the same."""
    with connected(site, "http/1.1") as connection:
        started = monotonic()
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"X-A: ")
        connection.settimeout(0.1)
        while monotonic() - started < 3:
            try:
                connection.sendall(b"a")
                if connection.recv(1) == b"":
                    break
            except TimeoutError:
                continue
            except OSError:
                break
        assert monotonic() - started < 2.5
    assert behind.connections == 0


def no_handshake(site: Site, _behind: Recorder) -> None:
    """Nor does half a TLS greeting last."""
    for greeting in (b"", b"\x16\x03\x01\x02\x00\x01"):
        with socket.create_connection(("127.0.0.1", site.https), timeout=2.5) as connection:
            connection.sendall(greeting)
            with suppress(ConnectionError):
                while connection.recv(100):
                    pass


def stalled_body(site: Site, behind: Recorder) -> None:
    """Of a body that stops coming, the service hears nothing, not even that it began; other
    clients' requests go by."""
    with connected(site, "http/1.1") as connection:
        connection.sendall(b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 200000\r\n\r\n")
        connection.sendall(b"a" * 150_000)
        assert site.ask("GET", "/other").status_code == 200
        assert [each.line for each in behind.requests] == ["GET /other"]
        connection.settimeout(2.5)
        # nginx has no answer for this; the log says 408.
        assert rest(connection) == b""
    assert behind.connections == 1


def slow_reader(site: Site, behind: Recorder) -> None:
    """The service is rid of an answer at once, whoever reads it when."""
    behind.body = BODY
    with connected(site, "http/1.1") as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n")
        wait_until(lambda: behind.written == 1, "an answer that is off the service's hands", 3)
        assert rest(connection).endswith(BODY)


def half_closed(site: Site, behind: Recorder) -> None:
    """A client that has hung up its half is taken for gone: its request is begun at most once, its
    connection ends, and others go on."""
    line = f"GET /a HTTP/1.1\r\nHost: {NAME}\r\n\r\n".encode()
    for sent in (line, line * 3, line[:20], b""):
        behind.requests.clear()
        with connected(site, "http/1.1") as connection:
            connection.sendall(sent)
            # Without the end of TLS: its records are no longer looked at.
            plain = socket.socket(fileno=socket.dup(connection.fileno()))
            with plain:
                plain.shutdown(socket.SHUT_WR)
                plain.settimeout(2.5)
                with suppress(ConnectionError):
                    while plain.recv(65536):
                        pass
        assert len(behind.requests) <= sent.count(line)
        assert site.ask("GET", "/other").status_code == 200


def let_go(site: Site, behind: Recorder) -> None:
    """A client that leaves does not keep the service's connection."""
    behind.silent = True
    with connected(site, "http/1.1") as connection:
        connection.sendall(b"GET / HTTP/1.1\r\n" + HOST + b"X-Request-ID: left\r\n\r\n")
        wait_until(lambda: behind.requests, "the request")
    assert site.log("left")["status"] == "499"


Check = Callable[[Site, Recorder], None]
SHORT = (
    Change("clients.conf", "client_header_timeout 10s;", "client_header_timeout 1s;"),
    Change("clients.conf", "client_body_timeout 10s;", "client_body_timeout 1s;"),
)
CHECKS: tuple[Check, ...] = (
    dripping,
    no_handshake,
    stalled_body,
    slow_reader,
    half_closed,
    let_go,
)


def run(folder: Path, check: Check, *changes: Change) -> None:
    with recorder() as behind, nginx(folder, servers(behind.address), *SHORT, *changes) as site:
        check(site, behind)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(tmp_path: Path, check: Check) -> None:
    run(tmp_path / "nginx", check)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (dripping, Change("clients.conf", "client_header_timeout 1s;", "")),
        (no_handshake, Change("clients.conf", "client_header_timeout 1s;", "")),
        (stalled_body, Change("clients.conf", "client_body_timeout 1s;", "")),
        (stalled_body, Change("proxy.conf", "request_buffering on;", "request_buffering off;")),
        (slow_reader, Change("proxy.conf", "proxy_buffering on;", "proxy_buffering off;")),
        (
            slow_reader,
            Change("proxy.conf", "proxy_buffering on;", "proxy_max_temp_file_size 0;"),
        ),
        (
            let_go,
            Change("proxy.conf", "proxy_buffering on;", "proxy_ignore_client_abort on;"),
        ),
    ],
)
def test_broken_is_seen(tmp_path: Path, check: Check, change: Change) -> None:
    with pytest.raises((AssertionError, TimeoutError, pytest.fail.Exception)):
        run(tmp_path / "nginx", check, change)
