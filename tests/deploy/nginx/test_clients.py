"""What clients may do: not choose who they seem to be, not see what is private, not flood, not
dawdle."""

import re
import socket
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.deploy.nginx.conftest import Begin
from tests.deploy.nginx.site import NAME, Change, Site
from tests.deploy.nginx.upstream import Upstream
from tests.support import wait_until

Check = Callable[[Site, Upstream], None]
LOGIN = "/api/v1/auth/login"


def forwarded(site: Site, behind: Upstream) -> None:
    forged = {
        "X-Forwarded-For": "203.0.113.1",
        "X-Forwarded-Host": "evil.example",
        "X-Forwarded-Proto": "gopher",
        "X-Real-IP": "203.0.113.1",
        "Forwarded": "for=203.0.113.1;host=evil.example",
    }
    host = f"{NAME}:{site.https}"
    for headers in (forged, forged | {"Idempotency-Key": "k"}):
        assert site.ask("POST", "/items", "127.0.0.5", headers=headers).status_code == 200
        told = behind.received[-1]
        assert told.values("x-forwarded-for") == ["127.0.0.5"]
        assert told.values("x-real-ip") == ["127.0.0.5"]
        assert told.values("x-forwarded-host") == [host]
        assert told.values("host") == [host]
        assert told.values("x-forwarded-proto") == ["https"]
        assert told.values("forwarded") == []


def host_of_the_request_line(site: Site, behind: Upstream) -> None:
    request = f"GET https://{NAME}/ HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n"
    with (
        socket.create_connection(("127.0.0.1", site.https), timeout=10) as connection,
        site.trust.wrap_socket(connection, server_hostname=NAME) as secure,
    ):
        secure.sendall(request.encode())
        secure.recv(4096)
    for told in behind.received:
        assert "evil" not in str(told.headers)


def path_as_it_came(site: Site, behind: Upstream) -> None:
    for headers in ({}, {"Idempotency-Key": "k"}):
        site.ask("POST", "/a%2Fb//c?d=%20e", headers=headers)
        assert behind.received[-1].path == "/a%2Fb//c?d=%20e"


def private(site: Site, behind: Upstream) -> None:
    paths = ("/metrics", "/health", "/health/live", "/health/ready", "//metrics", "/%6Detrics")
    for path in (*paths, "/a/../metrics"):
        assert site.ask("GET", path, "127.0.0.6").status_code == 403, path
    assert behind.received == []
    for path in paths:
        assert site.ask("GET", path).status_code == 200, path


def counted(site: Site, source: str, method: str, path: str, number: int) -> int:
    """How many of so many requests are let through."""
    with site.client(source) as client:
        return [client.request(method, path).status_code for _ in range(number)].count(200)


def floods(site: Site, behind: Upstream) -> None:
    assert counted(site, "127.0.0.2", "POST", LOGIN, 15) == 11
    assert behind.count("POST", LOGIN) == 11
    # An address, not everybody; and logging in, not using the service.
    assert counted(site, "127.0.0.3", "POST", LOGIN, 5) == 5
    assert counted(site, "127.0.0.2", "GET", "/", 5) == 5
    assert counted(site, "127.0.0.2", "OPTIONS", LOGIN, 5) == 5
    for path in ("/api/v1/auth//login", "/api/v1/auth/%6Cogin", "/api/v1/auth/register?a=b"):
        assert counted(site, "127.0.0.2", "POST", path, 1) == 0, path
    # An Idempotency-Key is no way round.
    keyed = {"Idempotency-Key": "k"}
    assert site.ask("POST", LOGIN, "127.0.0.2", headers=keyed).status_code == 429
    assert counted(site, "127.0.0.4", "GET", "/", 110) == 101


def connections(site: Site, behind: Upstream) -> None:
    behind.answer = behind.silence

    def ask(source: str) -> int:
        return site.ask("GET", "/", source).status_code

    with ThreadPoolExecutor(3) as threads:
        waiting = [threads.submit(ask, "127.0.0.7") for _ in range(2)]
        wait_until(lambda: behind.count("GET") == 2, "two requests in flight")
        refused = ask("127.0.0.7")
        other = threads.submit(ask, "127.0.0.8")
        try:
            wait_until(lambda: behind.count("GET") == 3, "another address's request", 2)
        finally:
            behind.done.set()
        assert refused == 429
        assert [each.result(10) for each in [*waiting, other]] == [502] * 3


def dawdling(site: Site, behind: Upstream) -> None:
    starts = (
        b"GET / HT",
        f"POST / HTTP/1.1\r\nHost: {NAME}\r\nContent-Length: 9\r\n\r\nno".encode(),
    )
    for start in starts:
        with (
            socket.create_connection(("127.0.0.1", site.https), timeout=1.5) as connection,
            site.trust.wrap_socket(connection, server_hostname=NAME) as secure,
        ):
            secure.sendall(start)
            try:
                assert secure.recv(4096) == b""
            except TimeoutError:
                pytest.fail("the connection is kept")
            except ConnectionResetError:
                pass
    assert behind.begun == 0  # a request goes on when all of it is here


SLOW_RATES = (
    Change("http.conf", "rate=50r/s", "rate=1r/m"),
    Change("http.conf", "rate=1r/s", "rate=1r/m"),
)
FEW = (Change("clients.conf", "limit_conn connections 100;", "limit_conn connections 2;"),)
SHORT = (
    Change("clients.conf", "client_header_timeout 10s;", "client_header_timeout 300ms;"),
    Change("clients.conf", "client_body_timeout 10s;", "client_body_timeout 300ms;"),
)
CHECKS: dict[Check, tuple[Change, ...]] = {
    forwarded: (),
    host_of_the_request_line: (),
    path_as_it_came: (),
    private: (),
    floods: SLOW_RATES,
    connections: FEW,
    dawdling: SHORT,
}
"""With what is changed for the check's sake."""

ALLOWED = "        include snippets/private.conf;\n"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(begin: Begin, behind: Upstream, check: Check) -> None:
    check(begin(*CHECKS[check]), behind)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (forwarded, Change("proxy.conf", "X-Forwarded-Host $host$public_port;", "X-Other a;")),
        (forwarded, Change("proxy.conf", "-For $remote_addr", "-For $proxy_add_x_forwarded_for")),
        (forwarded, Change("proxy.conf", "-Proto $scheme", "-Proto $http_x_forwarded_proto")),
        (forwarded, Change("proxy.conf", 'proxy_set_header Forwarded "";', "")),
        (forwarded, Change("proxy.conf", "X-Real-IP $remote_addr", "X-Real-IP $http_x_real_ip")),
        (forwarded, Change("http.conf", 'default ":$server_port";', 'default "";')),
        (
            host_of_the_request_line,
            Change("proxy.conf", "header Host $host$public_port", "header Host $http_host"),
        ),
        (path_as_it_came, Change("proxy.conf", "http://$side;", "http://$side$uri;")),
        (private, Change("api.conf", "= /metrics {\n" + ALLOWED, "= /metrics {\n")),
        (private, Change("api.conf", "^~ /health {\n" + ALLOWED, "^~ /health {\n")),
        (private, Change("private.conf", "allow 127.0.0.1;", "")),
        (floods, Change("clients.conf", "zone=credentials burst=10", "zone=credentials burst=99")),
        (floods, Change("clients.conf", "limit_req zone=api burst=100 nodelay;", "")),
        (floods, Change("http.conf", "|register|", "|")),
        (floods, Change("http.conf", '"~^POST /api/v1/auth', '"~ /api/v1/auth')),
        (connections, Change("clients.conf", "limit_conn_status 429;", "")),
        (
            connections,
            Change("http.conf", "$binary_remote_addr zone=connections", "$host zone=connections"),
        ),
        (dawdling, Change("clients.conf", "client_body_timeout 300ms;", "")),
        (dawdling, Change("clients.conf", "client_header_timeout 300ms;", "")),
        (
            dawdling,
            Change("proxy.conf", "request_buffering on;", "request_buffering off;"),
        ),
    ],
)
def test_broken_is_seen(begin: Begin, behind: Upstream, check: Check, change: Change) -> None:
    site = begin(*CHECKS[check], change)
    with pytest.raises((AssertionError, pytest.fail.Exception)):
        check(site, behind)


def test_limits_are_above_the_service_s_own(begin: Begin) -> None:
    text = (begin().folder / "snippets" / "http.conf").read_text()
    rates = dict(re.findall(r"zone=(\w+):10m rate=(\S+);", text))
    assert rates == {"api": "50r/s", "credentials": "1r/s"}
