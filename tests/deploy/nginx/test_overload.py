"""When the service has too much to do, or is leaving: what it says reaches the client as it said
it, once, and an idle connection that it closes costs nobody a request."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
import pytest

from tests.deploy.nginx.site import Change, Site, nginx, servers
from tests.deploy.nginx.test_answers import SECURITY, check_headers
from tests.deploy.nginx.upstream import Received, Upstream, answer, upstream
from tests.support import wait_until

Pair = tuple[Upstream, Upstream]
KEY = {"Idempotency-Key": "a"}
ROUNDS = 6
SAID = b'{"type":"about:blank","title":"Service Unavailable","status":503,"detail":"busy"}'
REFUSALS = (408, 409, 413, 429, 431, 500, 503, 504)


def refuses(status: int) -> Callable[[Received], bytes]:
    """The service's own refusal, as its breaker and its bound on requests give it."""

    def told(received: Received) -> bytes:
        own = {
            **{name.title(): value for name, value in SECURITY.items()},
            "Content-Type": "application/problem+json",
            "Retry-After": "7",
            "X-Request-ID": received.values("x-request-id")[0],
            "Access-Control-Allow-Origin": "https://app.example.com",
        }
        return answer(status, SAID, **own)

    return told


def check_said(found: httpx.Response, status: int) -> None:
    """Nothing added, nothing taken away."""
    assert (found.status_code, found.content) == (status, SAID)
    assert found.headers.get_list("retry-after") == ["7"]
    assert found.headers["content-type"] == "application/problem+json"
    assert found.headers["access-control-allow-origin"] == "https://app.example.com"
    assert len(found.headers.get_list("x-request-id")) == 1
    check_headers(found)


def passed_on(site: Site, both: Pair) -> None:
    """To both kinds of client, of both kinds of POST: once, and not to the other server."""
    for http2 in (False, True):
        with site.client(http2=http2) as client:
            for status in REFUSALS:
                both[0].answer = both[1].answer = refuses(status)
                for method, headers in (("GET", {}), ("POST", {}), ("POST", KEY), ("PATCH", {})):
                    before = sum(len(each.received) for each in both)
                    check_said(client.request(method, "/items", headers=headers), status)
                    assert sum(len(each.received) for each in both) == before + 1


def healthy_one_is_left_alone(site: Site, both: Pair) -> None:
    """Nor is the server that refuses left out: it may be as well off as the other soon."""
    both[0].answer = refuses(503)
    with site.client() as client:
        statuses = [client.get("/").status_code for _ in range(2 * ROUNDS)]
    assert statuses.count(503) == statuses.count(200) == ROUNDS


Check = Callable[[Site, Pair], None]
CHECKS: tuple[Check, ...] = (passed_on, healthy_one_is_left_alone)
QUICK = Change("http.conf", "rate=50r/s", "rate=5000r/s")


def run(folder: Path, check: Check, *changes: Change) -> None:
    with upstream() as one, upstream() as other:
        both = servers(one.address, other.address)
        with nginx(folder, both, QUICK, *changes) as site:
            check(site, (one, other))


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(tmp_path: Path, check: Check) -> None:
    run(tmp_path / "nginx", check)


ALL = "    proxy_next_upstream error timeout http_502;\n"


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (passed_on, Change("api.conf", ALL, ALL.replace(";", " http_503;"))),
        (passed_on, Change("api.conf", ALL, ALL.replace(";", " http_429;"))),
        (passed_on, Change("api.conf", ALL, ALL.replace(";", " http_500;"))),
        (passed_on, Change("proxy.conf", "proxy_buffering on;", "proxy_intercept_errors on;")),
        (passed_on, Change("proxy.conf", "proxy_buffering on;", "proxy_hide_header Retry-After;")),
        (passed_on, Change("api.conf", ALL, ALL + "add_header Retry-After 1 always;")),
        (healthy_one_is_left_alone, Change("api.conf", ALL, ALL.replace(";", " http_503;"))),
    ],
)
def test_broken_is_seen(tmp_path: Path, check: Check, change: Change) -> None:
    with pytest.raises(AssertionError):
        run(tmp_path / "nginx", check, change)


class Leaving:
    """A server that keeps its connections, and closes an idle one: either before the next request
    comes, or, `late`, the moment it comes, unread."""

    def __init__(self) -> None:
        self.late = False
        self.idle: list[socket.socket] = []
        self.answered: list[bytes] = []
        self.unread: list[bytes] = []

    def converse(self, peer: socket.socket) -> None:
        with peer, suppress(OSError):
            for number in range(1000):
                received = b""
                while b"\r\n\r\n" not in received:
                    if not (part := peer.recv(65536)):
                        return
                    received += part
                line = received.split(b"\r\n")[0]
                if self.late and number:
                    self.unread.append(line)
                    return
                self.answered.append(line)
                peer.sendall(answer(200))
                self.idle.append(peer)

    def close_idle(self) -> None:
        """As at the end of a drain."""
        for each in self.idle:
            with suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
        self.idle.clear()


@contextmanager
def leaving() -> Iterator[tuple[Leaving, str]]:
    """Listens during the block."""
    running = Leaving()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            with suppress(OSError):
                while True:
                    peer, _ = server.accept()
                    threading.Thread(target=running.converse, args=(peer,), daemon=True).start()

        thread = threading.Thread(target=accept)
        thread.start()
        try:
            yield running, f"127.0.0.1:{server.getsockname()[1]}"
        finally:
            running.close_idle()
            server.shutdown(socket.SHUT_RDWR)
            thread.join()


def test_idle_connection_that_is_closed_costs_nothing(tmp_path: Path) -> None:
    """Closed in time, nothing is lost, POST or not. Closed as a request comes, what may be sent
    again is, to the one server there is; of another POST the client hears, and it is not sent
    twice."""
    with (
        leaving() as (server, address),
        nginx(tmp_path / "nginx", servers(address), QUICK) as site,
        site.client() as client,
    ):
        for method in ("GET", "POST", "PATCH"):
            assert client.request(method, "/first").status_code == 200
            server.close_idle()
            # The close has to have come to nginx before the request does.
            wait_until(lambda: not established(address), "nginx has noticed")
            assert client.request(method, "/next").status_code == 200
        server.late = True
        for method, headers, status in (
            ("GET", {}, 200),
            ("PUT", {}, 200),
            ("POST", KEY, 200),
            ("POST", {}, 502),
            ("PATCH", {}, 502),
        ):
            client.get("/first")
            server.answered.clear()
            server.unread.clear()
            found = client.request(method, "/late", headers=headers)
            sent = [each for each in server.unread + server.answered if b"/late" in each]
            assert (found.status_code, len(sent)) == (status, 2 if status == 200 else 1), method
    assert server.unread


def established(address: str) -> bool:
    """Whether anybody has a connection to there."""
    port = f"{int(address.rpartition(':')[2]):04X}"
    lines = Path("/proc/net/tcp").read_text().splitlines()[1:]
    fields = [line.split() for line in lines]
    return any(each[2].endswith(f":{port}") and each[3] in {"01", "08"} for each in fields)
