"""What could be read in two ways, or is too large, is refused in the contract's words, once, and
never reaches the application."""

import json
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.service.wire import LOOPS, Server, answers, read_all, request, serving, trickle

POST = b"POST /p HTTP/1.1\r\nHost: x\r\n"
GET = b"GET /p HTTP/1.1\r\nHost: x\r\n"
SMUGGLED = b"GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n"

# What it is: the bytes, and the status they are refused with.
HEADS: dict[str, tuple[bytes, int]] = {
    "length and coding": (CHUNKED + b"Content-Length: 4\r\n\r\n0\r\n\r\n" + SMUGGLED, 400),
    "coding and length": (
        POST + b"Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two lengths": (POST + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello" + SMUGGLED, 400),
    "the same length twice": (
        POST + b"Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello" + SMUGGLED,
        400,
    ),
    "a list of lengths": (POST + b"Content-Length: 5, 5\r\n\r\nhello", 400),
    "a negative length": (POST + b"Content-Length: -1\r\n\r\n", 400),
    "a signed length": (POST + b"Content-Length: +5\r\n\r\nhello", 400),
    "a hexadecimal length": (POST + b"Content-Length: 0x5\r\n\r\nhello", 400),
    "a length of other digits": (POST + b"Content-Length: \xb2\r\n\r\nhello", 400),
    "an empty length": (POST + b"Content-Length:\r\n\r\nhello", 400),
    "a length with a space": (POST + b"Content-Length: 5 5\r\n\r\nhello", 400),
    "a length without bound": (POST + b"Content-Length: " + b"9" * 30 + b"\r\n\r\n", 400),
    "two codings": (CHUNKED + b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "another coding": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 400),
    "the coding twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "no such coding": (POST + b"Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n", 400),
    "the identity": (POST + b"Transfer-Encoding: identity\r\n\r\n", 400),
    "an empty coding": (POST + b"Transfer-Encoding:\r\n\r\n", 400),
    "a vertical tab before the coding": (POST + b"Transfer-Encoding: \x0bchunked\r\n\r\n", 400),
    "a coding in HTTP/1.0": (
        b"POST /p HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "two hosts": (GET + b"Host: y\r\n\r\n", 400),
    "the same host twice": (GET + b"Host: x\r\n\r\n", 400),
    "two hosts in HTTP/1.0": (b"GET /p HTTP/1.0\r\nHost: x\r\nHost: x\r\n\r\n", 400),
    "no host": (b"GET /p HTTP/1.1\r\n\r\n", 400),
    "no host but in the target": (b"GET http://x/p HTTP/1.1\r\n\r\n", 400),
    "a folded line": (GET + b"X-Long: one\r\n two\r\n\r\n", 400),
    "a folded coding": (POST + b"Transfer-Encoding:\r\n chunked\r\n\r\n0\r\n\r\n", 400),
    "a fold at the start": (b"GET /p HTTP/1.1\r\n Host: x\r\n\r\n", 400),
    "a space before the colon": (GET + b"X-Odd : 1\r\n\r\n", 400),
    "a coding with a space before the colon": (
        POST + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
        400,
    ),
    "a line without a colon": (GET + b"X-Odd\r\n\r\n", 400),
    "a name of nothing": (GET + b": 1\r\n\r\n", 400),
    "a NUL in a value": (GET + b"X-Odd: a\x00b\r\n\r\n", 400),
    "a control character in a value": (GET + b"X-Odd: a\x01b\r\n\r\n", 400),
    "an escape in a value": (GET + b"X-Odd: \x1b[31m\r\n\r\n", 400),
    "a DEL in a value": (GET + b"X-Odd: \x7f\r\n\r\n", 400),
    "a NUL in a name": (GET + b"X\x00Odd: 1\r\n\r\n", 400),
    "a name that is not ASCII": (GET + b"X-\xe9: 1\r\n\r\n", 400),
    "a name with a bracket": (GET + b"X(Odd): 1\r\n\r\n", 400),
    "a bare CR in a value": (GET + b"X-Odd: a\rContent-Length: 5\r\n\r\n", 400),
    "a bare CR at a line's end": (b"GET /p HTTP/1.1\rHost: x\r\n\r\n", 400),
    "bare line feeds": (b"GET /p HTTP/1.1\nHost: x\n\n", 400),
    "one bare line feed": (GET + b"X-Odd: 1\nX-Next: 2\r\n\r\n", 400),
    "a space in the target": (b"GET /a b HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a target that is not ASCII": (b"GET /\xe9 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a control character in the target": (b"GET /\x01 HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a tab in the request line": (b"GET\t/p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "two spaces in the request line": (b"GET  /p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a space after the request line": (b"GET /p HTTP/1.1 \r\nHost: x\r\n\r\n", 400),
    "a space before the request line": (b" GET /p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a method with a bracket": (b"G(T /p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a relative target": (b"GET p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "an asterisk for GET": (b"GET * HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a tunnel": (b"CONNECT y:443 HTTP/1.1\r\nHost: y:443\r\n\r\n", 400),
    "another scheme": (b"GET ftp://x/p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a user in the target": (b"GET http://u:p@x/p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "a target without a host": (b"GET http:///p HTTP/1.1\r\nHost: x\r\n\r\n", 400),
    "two blank lines": (b"\r\n\r\n" + GET + b"\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "no version": (b"GET /p\r\nHost: x\r\n\r\n", 400),
    "a small version": (b"GET /p http/1.1\r\nHost: x\r\n\r\n", 400),
    "no number": (b"GET /p HTTP/one\r\nHost: x\r\n\r\n", 400),
    "HTTP/2's preface": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "HTTP/0.9": (b"GET /p HTTP/0.9\r\nHost: x\r\n\r\n", 505),
    "HTTP/1.2": (b"GET /p HTTP/1.2\r\nHost: x\r\n\r\n", 505),
    "HTTP/2": (b"GET /p HTTP/2\r\nHost: x\r\n\r\n", 505),
    "HTTP/3.0": (b"GET /p HTTP/3.0\r\nHost: x\r\n\r\n", 505),
    "HTTP/11.1": (b"GET /p HTTP/11.1\r\nHost: x\r\n\r\n", 505),
    "a long target": (b"GET /" + b"a" * 8192 + b" HTTP/1.1\r\nHost: x\r\n\r\n", 414),
    "a target without end": (b"GET /" + b"a" * 9000, 414),
    "a long field": (GET + b"X-Long: " + b"a" * 33_000 + b"\r\n\r\n", 431),
    "a field without end": (GET + b"X-Long: " + b"a" * 33_000, 431),
    "101 fields": (GET + b"X: 1\r\n" * 100 + b"\r\n", 431),
    "a thousand fields": (GET + b"X: 1\r\n" * 999 + b"\r\n", 431),
    "a flood of fields": (GET + b"X-Flood: 0123456789\r\n" * 100_000, 431),
}
BODIES: dict[str, bytes] = {
    "no size": b"\r\n",
    "a size of other letters": b"g\r\nx\r\n",
    "a negative size": b"-1\r\nx\r\n",
    "a signed size": b"+1\r\nx\r\n",
    "a prefixed size": b"0x1\r\nx\r\n",
    "a size without bound": b"1" * 16 + b"\r\n",
    "a size with a space before": b" 1\r\nx\r\n",
    "a size with a space behind": b"1 \r\nx\r\n",
    "a size that ends with a line feed": b"1\nx\r\n",
    "a size with an underscore": b"1_0\r\nx\r\n",
    "a short chunk": b"5\r\nx\r\n0\r\n\r\n" + SMUGGLED,
    "a long chunk": b"1\r\nhello\r\n0\r\n\r\n",
    "a chunk that ends with a line feed": b"1\r\nx\n0\r\n\r\n",
    "a control character in an extension": b"1;a=\x00\r\nx\r\n",
    "a bare CR in an extension": b"1;a\rb\r\nx\r\n",
    "a long extension": b"1;" + b"a" * 300 + b"\r\nx\r\n",
    "an extension without end": b"1;" + b"a" * 9000,
    "a folded trailer": b"0\r\nX: 1\r\n 2\r\n\r\n",
    "a trailer without a colon": b"0\r\nX\r\n\r\n",
    "a trailer without end": b"0\r\nX: " + b"a" * 9000,
    "many trailers": b"0\r\n" + b"X: 0123456789\r\n" * 1000 + b"\r\n",
}
TAKEN: dict[str, bytes] = {
    "a line end before": b"\r\n" + GET + b"\r\n",
    "names in capitals": b"GET /p HTTP/1.1\r\nHOST: x\r\n\r\n",
    "text that is not ASCII": GET + b"X-Odd: \xe9\xff\r\n\r\n",
    "a tab in a value": GET + b"X-Odd: a\tb\r\n\r\n",
    "no space after the colon": b"GET /p HTTP/1.1\r\nHost:x\r\n\r\n",
    "space around a value": b"GET /p HTTP/1.1\r\nHost: \t x \t\r\n\r\n",
    "an empty value": GET + b"X-Odd:\r\n\r\n",
    "HTTP/1.0 without a host": b"GET /p HTTP/1.0\r\n\r\n",
    "a length of nothing": POST + b"Content-Length: 0\r\n\r\n",
    "a length with zeros": POST + b"Content-Length: 005\r\n\r\nhello",
    "chunks": CHUNKED + b"\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
    "a size with zeros": CHUNKED + b"\r\n0005\r\nhello\r\n000\r\n\r\n",
    "an extension": CHUNKED + b'\r\n5;a=b;c="d e"\r\nhello\r\n0;e\r\n\r\n',
    "a trailer": CHUNKED + b"\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n",
    "the coding in capitals": POST + b"Transfer-Encoding: CHUNKED\r\n\r\n5\r\nhello\r\n0\r\n\r\n",
    "a method nobody knows": b"BREW /p HTTP/1.1\r\nHost: x\r\n\r\n",
    "100 fields": GET + b"X: 1\r\n" * 99 + b"\r\n",
    "a head of 32 KiB": GET + b"X: " + b"a" * (32 * 1024 - len(GET) - 7) + b"\r\n\r\n",
    "a request line of 8 KiB": b"GET /p?" + b"a" * 8174 + b" HTTP/1.1\r\nHost: x\r\n\r\n",
    "an upgrade to h2c": GET + b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n"
    b"HTTP2-Settings: AAMAAABkAAQAAP__\r\n\r\n",
    "an upgrade to a WebSocket": GET + b"Connection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
}


@pytest.fixture(scope="module", params=LOOPS)
def server(request: Any) -> Iterator[Server]:
    with serving(request.param, eof_grace=5) as running:
        yield running


@pytest.fixture(autouse=True)
def nothing_seen(server: Server) -> None:
    server.seen.clear()


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """The lines the server writes."""
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr("service.observability.logging.emit", lines.append)
    return lines


def assert_refused(data: bytes, status: int) -> dict[str, Any]:
    """One answer in the contract's words, and the connection's end."""
    (answer,) = answers(data)
    assert answer.status == status, answer
    assert answer.header("content-type") == "application/problem+json"
    assert answer.header("connection") == "close"
    assert answer.header("content-length") == str(len(answer.body))
    assert answer.header("x-content-type-options") == "nosniff"
    assert answer.header("x-frame-options") == "SAMEORIGIN"
    assert answer.header("date")
    problem: dict[str, Any] = json.loads(answer.body)
    assert problem["type"] == "about:blank"
    assert problem["title"]
    assert problem["status"] == status
    assert problem["detail"].endswith(".")
    assert problem["request_id"] == answer.header("x-request-id")
    return problem


@pytest.mark.parametrize("name", HEADS)
def test_head_is_refused(server: Server, log: list[dict[str, Any]], name: str) -> None:
    data, status = HEADS[name]
    problem = assert_refused(server.talk(data), status)
    assert server.seen == []
    (line,) = log
    assert (line["event"], line["status"]) == ("request", status)
    assert line["request_id"] == problem["request_id"]
    assert line["path"] == problem.get("instance")
    assert line["client"] == "127.0.0.1"


@pytest.mark.parametrize("name", BODIES)
def test_body_is_refused(server: Server, log: list[dict[str, Any]], name: str) -> None:
    data = server.talk(CHUNKED + b"X-Request-ID: known\r\n\r\n" + BODIES[name])
    problem = assert_refused(data, 400)
    assert (problem["request_id"], problem["instance"]) == ("known", "/p")
    # The application knows why, and writes the one line of this request.
    server.until(lambda: server.seen)
    (seen,) = server.seen
    server.until(lambda: seen.disconnect == {"type": "http.disconnect", "refused": 400})
    assert log == []


@pytest.mark.parametrize("name", TAKEN)
def test_what_is_odd_and_clear_is_answered(server: Server, name: str) -> None:
    (answer,) = answers(server.talk(TAKEN[name], fin=True))
    assert answer.status == 200
    (seen,) = server.seen
    assert seen.path == "/p"
    assert seen.body in {b"", b"hello"}
    assert answer.body == (seen.body or b"ok")
    assert (seen.body == b"hello") == (b"hello" in TAKEN[name] or b"llo\r\n" in TAKEN[name])


@pytest.mark.parametrize(
    ("target", "path", "host"),
    [
        ("http://y/p", "/p", b"y"),
        ("HTTPS://y:8443/p?q=1", "/p", b"y:8443"),
        ("http://y", "/", b"y"),
        ("http://y?q", "/", b"y"),
    ],
)
def test_host_in_the_target_counts(server: Server, target: str, path: str, host: bytes) -> None:
    (answer,) = answers(server.talk(request(target, "X-Other: host", host="other"), fin=True))
    assert answer.status == 200
    (seen,) = server.seen
    assert seen.path == path
    assert [value for name, value in seen.headers if name == b"host"] == [host]
    assert (b"x-other", b"host") in seen.headers


def test_asterisk_for_options(server: Server) -> None:
    (answer,) = answers(server.talk(request("*", method="OPTIONS"), fin=True))
    assert answer.status == 200
    assert [each.path for each in server.seen] == ["*"]


def test_refusal_of_head_has_no_body(server: Server) -> None:
    (answer,) = answers(server.talk(b"HEAD /p HTTP/1.1\r\n\r\n"), "HEAD")
    assert (answer.status, answer.body) == (400, b"")


@pytest.mark.parametrize(("sent", "kept"), [("abc-1", True), ("a b", False), ("", False)])
def test_id_of_a_refused_request(server: Server, sent: str, kept: bool) -> None:
    data = server.talk(request("/p", f"X-Request-ID: {sent}", "Host: x"))
    assert (assert_refused(data, 400)["request_id"] == sent) == kept


def test_id_reaches_the_application(server: Server) -> None:
    server.talk(request(), fin=True)
    server.talk(request("/", "X-Request-ID: mine"), fin=True)
    ids = [[v for name, v in each.headers if name == b"x-request-id"] for each in server.seen]
    assert len(ids[0][0]) == 32
    assert ids[1] == [b"mine"]


def test_answer_is_read_by_a_client_that_goes_on_sending(server: Server) -> None:
    with server.connect() as peer:
        peer.sendall(GET + b"Host: x\r\n\r\n")
        for _ in range(100):
            peer.sendall(bytes(65_536))
        peer.shutdown(socket.SHUT_WR)
        assert_refused(read_all(peer), 400)


# The same bytes, whatever packets they come in, have the same answer.
WHOLE = [
    *(data for data, _ in HEADS.values() if len(data) < 300),
    *(CHUNKED + b"\r\n" + data for data in BODIES.values() if len(data) < 100),
    *(data for data in TAKEN.values() if len(data) < 300),
]


@given(st.sampled_from(WHOLE), st.lists(st.integers(1, 300), max_size=6))
@settings(
    max_examples=150,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_packets_make_no_difference(server: Server, data: bytes, cuts: list[int]) -> None:
    whole = [
        (each.status, each.header("connection")) for each in answers(server.talk(data, fin=True))
    ]
    with server.connect() as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        before = 0
        for cut in [*sorted(cuts), len(data)]:
            peer.sendall(data[before:cut])
            before = max(before, cut)
        peer.shutdown(socket.SHUT_WR)
        parts = [(each.status, each.header("connection")) for each in answers(read_all(peer))]
    assert parts == whole


@pytest.mark.parametrize(
    "name", ["length and coding", "a folded line", "bare line feeds", "TLS", "two blank lines"]
)
def test_byte_by_byte(server: Server, name: str) -> None:
    data, status = HEADS[name]
    with server.connect() as peer:
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        trickle(peer, data)
        assert_refused(read_all(peer), status)
    assert server.seen == []
