"""Nothing a client puts into a request makes the service fail, or leaves a trace in its log."""

import re
import socket
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.service import web
from tests.service.auth.credentials import bearer, flask_token, me
from tests.service.shared import Join, Start
from tests.service.support import Account, Service
from tests.valkey import Valkey

ROUTES = [
    ("GET", "/health"),
    ("GET", "/health/ready"),
    ("GET", "/metrics"),
    ("GET", "/openapi.json"),
    ("GET", "/docs"),
    ("GET", "/nowhere"),
    ("POST", "/api/v1/auth/register"),
    ("POST", "/api/v1/auth/login"),
    ("POST", "/api/v1/auth/refresh"),
    ("GET", "/api/v1/auth/me"),
    ("POST", "/api/v1/auth/password"),
    ("GET", "/api/v1/users"),
    ("POST", "/api/v1/users"),
    ("GET", "/api/v1/users/{id}"),
    ("PATCH", "/api/v1/users/{id}"),
    ("DELETE", "/api/v1/users/1{id}999999"),
    ("OPTIONS", "/api/v1/users/{id}"),
    ("HEAD", "/api/v1/users/{id}"),
]
NAMES = [
    "Accept",
    "Accept-Charset",
    "Accept-Encoding",
    "Accept-Language",
    "Access-Control-Request-Headers",
    "Access-Control-Request-Method",
    "Authorization",
    "Cache-Control",
    "Content-Encoding",
    "Content-Type",
    "Cookie",
    "Date",
    "Expect",
    "Forwarded",
    "Host",
    "Idempotency-Key",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Origin",
    "Pragma",
    "Range",
    "Referer",
    "TE",
    "User-Agent",
    "Via",
    "X-CSRF-TOKEN",
    "X-Forwarded-For",
    "X-Forwarded-Host",
    "X-Forwarded-Port",
    "X-Forwarded-Prefix",
    "X-Forwarded-Proto",
    "X-HTTP-Method-Override",
    "X-Request-ID",
    "traceparent",
]
# What parsers of headers look for, in any order.
WORDS = [
    *('"', "'", "\\", ",", ";", "=", ":", "*", "/", "%", "%00", "%ff", " ", "\t", "(", "[", "]"),
    *("W/", 'W/"x"', "bytes=0-", "bytes=-1", "q=", "q=x", "0", "1", "9" * 30, "-1", "1e999"),
    *("Bearer ", "bearer", "Basic ", "Digest x=", "TOKEN", "a.b.c", "eyJhbGciOiJub25lIn0.e30."),
    *("session=", "access_token_cookie=", "refresh_token_cookie=", ".", ".eJw", "null", "gzip"),
    *("application/json", "multipart/form-data; boundary=", "charset=", "utf-8", "idna", "zlib"),
    *("127.0.0.1", "::1", "[::1]:", "fe80::1%x", "unknown", "https", "for=", "host", "..", "xn--"),
    *("Thu, 01 Jan 1970 00:00:00 GMT", "100-continue", "trailers", "POST", "GET", "http://"),
]
values = st.lists(
    st.one_of(st.sampled_from(WORDS), st.text(st.characters(codec="latin-1"), max_size=4)),
    max_size=8,
).map("".join)
headers = st.lists(st.tuples(st.sampled_from(NAMES), values), min_size=1, max_size=5)
bodies = st.sampled_from(
    [b"", b"{}", b"[]", b"null", b'{"name": "x"}', b'{"email": "a@b.cd", "password": "12345678"}']
)


CONTROL = re.compile("[\x00-\x08\x0a-\x1f\x7f]")


@pytest.fixture(scope="module")
def target(start_shared: Start, valkey: Valkey) -> Iterator[Service]:
    """Everything that reads headers is on. At the end its log holds no failure."""
    service = start_shared(
        JWT_TOKEN_LOCATION="headers,cookies",
        CORS_ORIGINS="http://localhost:*",
        CORS_SUPPORTS_CREDENTIALS="1",
        RATELIMIT_ENABLED="1",
        RATELIMIT_STORAGE_URI=valkey.url,
        RATELIMIT_DEFAULT="100000 per minute",
        RATELIMIT_LOGIN="100000 per minute",
        RATELIMIT_REGISTER="100000 per minute",
    )
    yield service
    marker = web.get(f"{service.url}/health/live").headers["x-request-id"]
    service.line(request_id=marker)
    lines = service.lines()
    assert [line for line in lines if line["level"] in {"ERROR", "CRITICAL"}] == []
    assert [line for line in lines if "exception" in line] == []


def sent_as(value: str, token: str) -> bytes:
    """The value as HTTP allows it: without control characters, and spaces only inside."""
    text = value.replace("TOKEN", token)
    return CONTROL.sub("", text).strip().encode("latin-1")


@pytest.fixture
def user(target: Service, newcomer: Join) -> Account:
    return newcomer(target)


def ask(
    service: Service,
    user: Account,
    route: tuple[str, str],
    sent: list[tuple[str, str]],
    body: bytes,
) -> httpx.Response:
    method, path = route
    token = user.tokens["access_token"]
    merged: dict[str, Any] = bearer(token) | {"Content-Type": "application/json"}
    merged |= {name: sent_as(value, token) for name, value in sent}
    content = body if method in {"POST", "PATCH"} else None
    url = service.url + path.format(id=user.id)
    return web.request(method, url, headers=merged, content=content)


@given(st.sampled_from(ROUTES), headers, bodies)
@example(("GET", "/health"), [("Host", "..")], b"")
@example(("GET", "/health"), [("X-Forwarded-Host", "a..b")], b"")
@example(("POST", "/api/v1/users"), [("Content-Type", "application/json; charset=\\x")], b"{}")
@example(("POST", "/api/v1/auth/login"), [("Content-Encoding", "gzip")], b"{}")
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_headers(
    target: Service,
    user: Account,
    route: tuple[str, str],
    sent: list[tuple[str, str]],
    body: bytes,
) -> None:
    answer = ask(target, user, route, sent, body)
    assert answer.status_code < 500, (route, sent)
    # Contract headers on each, whatever it was.
    assert answer.headers.get_list("x-content-type-options") == ["nosniff"]
    assert len(answer.headers.get_list("x-request-id")) == 1
    assert len(answer.headers.get_list("vary")) <= 1
    assert me(target.url, user.tokens["access_token"]) == 200


QUERY_WORDS = [*WORDS, "\u00b2", "\u0661", "9" * 5000, "0" * 5000 + "1"]
queries = st.lists(
    st.tuples(
        st.sampled_from(["limit", "cursor", "email", "x"]),
        st.one_of(st.sampled_from(QUERY_WORDS), st.text(st.characters(codec="utf-8"))),
    ),
    max_size=3,
)


@given(queries)
@example([("limit", "1" * 5000)])
@settings(
    max_examples=100,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_queries(target: Service, user: Account, query: list[tuple[str, str]]) -> None:
    answer = user.http.get("/api/v1/users", params=query)
    assert answer.status_code in {200, 422}, query


def raw(service: Service, request: bytes) -> bytes:
    """The first bytes that come back."""
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as peer:
        peer.sendall(request)
        return peer.recv(65_536)


@pytest.mark.parametrize("path", ["/nowhere", "/health", "/api/v1/auth/me"])
def test_web_socket_is_not_spoken(target: Service, path: str) -> None:
    answer = raw(
        target,
        f"GET {path} HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n".encode(),
    )
    # Under Gunicorn a Flask service takes it for a request like any other.
    assert answer.split()[1] in {b"200", b"400", b"401", b"403", b"404", b"426"}, answer


@pytest.mark.parametrize(
    "target_form",
    [
        b"//",
        b"/%",
        b"/%zz",
        b"/\xff",
        b"/" + b"a/" * 4000,
        b"/api/v1/users/" + b"9" * 5000,
        b"/api/v1/users/%D9%A1",
        b"/api/v1/users/1%00",
        b"*",
        b"http://evil.example/health",
        b"/health?" + b"&" * 5000,
        b"/api/v1/users?limit=" + b"1" * 5000,
        b"/docs/../../etc/passwd",
        b"/docs/%2e%2e/%2e%2e/pyproject.toml",
    ],
    ids=lambda value: repr(value[:24]),
)
def test_targets(target: Service, user: Account, target_form: bytes) -> None:
    token = user.tokens["access_token"].encode()
    answer = raw(
        target,
        b"GET %s HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer %s\r\n\r\n" % (target_form, token),
    )
    assert 200 <= int(answer.split()[1]) < 500, answer
    assert b"[build-system]" not in answer


@pytest.mark.parametrize("size", [b"9" * 5000, b"-1", b"1e3", b"", b"+1", b"0x1", b"\xb2"])
def test_sizes(target: Service, size: bytes) -> None:
    answer = raw(
        target,
        b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
        b"Content-Length: %s\r\n\r\n" % size,
    )
    assert answer.split()[1] in {b"400", b"413"}, answer


def test_header_sent_many_times(target: Service, user: Account) -> None:
    lines = "".join(f"{name}: {index}\r\n" for name in NAMES[:-1] for index in range(8))
    answer = raw(target, f"GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\n{lines}\r\n".encode())
    assert 200 <= int(answer.split()[1]) < 500


def test_odd_token_cookies(target: Service, user: Account) -> None:
    for token in (flask_token(user.id), "", "a.b.c", '"', "\xff", "=", "x" * 4000):
        for csrf in (None, "é", "\xff", ""):
            sent = {"Cookie": f"access_token_cookie={token}".encode("latin-1")}
            if csrf is not None:
                sent["X-CSRF-TOKEN"] = csrf.encode("latin-1")
            answer = web.post(f"{target.url}/api/v1/auth/logout", headers=sent)
            assert answer.status_code == 401
