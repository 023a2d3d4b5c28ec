"""Malformed, ambiguous and hostile HTTP/1.1: nginx refuses it in the service's form, or makes of it
a request that can be read in one way only."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.nginx.recorder import Recorder, recorder
from tests.deploy.nginx.site import NAME, Change, Site, nginx, servers
from tests.deploy.nginx.test_answers import check_problem
from tests.deploy.nginx.wire import HOST, answers, say

FAST = Change("http.conf", "rate=50r/s", "rate=5000r/s")
# After every case. nginx closes either for what came before, or because of this.
LAST = b"GET /last HTTP/1.1\r\n" + HOST + b"Connection: close\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n"


def get(line: bytes = b"GET / HTTP/1.1", *fields: bytes) -> bytes:
    """A request without a body."""
    return b"\r\n".join([line, HOST + b"".join(each + b"\r\n" for each in fields), b""])


def post(fields: bytes, body: bytes) -> bytes:
    """A POST to `/`."""
    return b"POST / HTTP/1.1\r\n" + HOST + fields + b"\r\n" + body


def length(value: bytes, body: bytes = b"a") -> bytes:
    """A POST with that Content-Length."""
    return post(b"Content-Length: " + value + b"\r\n", body)


def chunks(body: bytes) -> bytes:
    """A chunked POST."""
    return post(CHUNKED, body)


@dataclass(frozen=True)
class Case:
    """What is sent before LAST. `status`: what nginx refuses it with; else `passed`, what the
    server behind gets: method and target, and the body."""

    sent: bytes
    status: int = 0
    passed: tuple[tuple[str, bytes], ...] = ()


def refused(sent: bytes, status: int = 400) -> Case:
    return Case(sent, status)


def passed(sent: bytes, *requests: str, body: bytes = b"") -> Case:
    return Case(sent, 0, tuple((each, body) for each in requests))


def path(sent: bytes, status: int = 0) -> Case:
    """A GET of that target, which is passed on as it is, or refused."""
    request = get(b"GET " + sent + b" HTTP/1.1")
    return refused(request, status) if status else passed(request, f"GET {sent.decode('latin-1')}")


def version(sent: bytes, status: int = 0) -> Case:
    """A GET in that version."""
    request = get(b"GET / " + sent)
    return refused(request, status) if status else passed(request, "GET /")


def field(sent: bytes, status: int = 0) -> Case:
    """A GET with that header, which is passed on in some form or refused."""
    request = get(b"GET / HTTP/1.1", sent)
    return refused(request, status) if status else passed(request, "GET /")


CASES = {
    # Which of two ends the body.
    "length and coding": refused(post(b"Content-Length: 4\r\n" + CHUNKED, b"0\r\n\r\n")),
    "coding and length": refused(post(CHUNKED + b"Content-Length: 4\r\n", b"0\r\n\r\n")),
    "two lengths": refused(post(b"Content-Length: 1\r\nContent-Length: 2\r\n", b"ab")),
    "two lengths alike": refused(post(b"Content-Length: 1\r\nContent-Length: 1\r\n", b"a")),
    "list of lengths": refused(length(b"1, 1")),
    "length with a plus": refused(length(b"+1")),
    "negative length": refused(length(b"-1")),
    "hexadecimal length": refused(length(b"0x1")),
    "no length in it": refused(length(b"")),
    "length beyond 64 bits": refused(length(b"9" * 24)),
    "length with zeros": passed(length(b"001"), "POST /", body=b"a"),
    "space before the colon": refused(post(b"Content-Length : 1\r\n", b"a")),
    "two codings": refused(post(CHUNKED * 2, b"0\r\n\r\n")),
    "identity": refused(post(b"Transfer-Encoding: identity\r\n", b""), 501),
    "gzip, chunked": refused(post(b"Transfer-Encoding: gzip, chunked\r\n", b""), 501),
    "chunked, identity": refused(post(b"Transfer-Encoding: chunked, identity\r\n", b""), 501),
    "xchunked": refused(post(b"Transfer-Encoding: xchunked\r\n", b""), 501),
    "tab before the coding": refused(post(b"Transfer-Encoding:\tchunked\r\n", b""), 501),
    "vertical tab before it": refused(post(b"Transfer-Encoding: \x0bchunked\r\n", b""), 501),
    "coding, space, colon": refused(post(b"Transfer-Encoding : chunked\r\n", b"0\r\n\r\n")),
    "coding on a folded line": refused(post(b"Transfer-Encoding:\r\n chunked\r\n", b"")),
    "coding in HTTP/1.0": refused(b"POST / HTTP/1.0\r\n" + HOST + CHUNKED + b"\r\n0\r\n\r\n"),
    "CHUNKED": passed(
        post(CHUNKED.replace(b"c", b"C"), b"1\r\na\r\n0\r\n\r\n"), "POST /", body=b"a"
    ),
    # Chunks.
    "extension and trailer": passed(
        chunks(b"3;a=b\r\nabc\r\n0\r\nContent-Length: 9\r\n\r\n"), "POST /", body=b"abc"
    ),
    "no number": refused(chunks(b"zz\r\nabc\r\n0\r\n\r\n")),
    "0x": refused(chunks(b"0x3\r\nabc\r\n0\r\n\r\n")),
    "negative chunk": refused(chunks(b"-3\r\nabc\r\n0\r\n\r\n")),
    "chunk beyond 64 bits": refused(chunks(b"f" * 17 + b"\r\nabc\r\n0\r\n\r\n")),
    "chunk longer than said": refused(chunks(b"2\r\nabc\r\n0\r\n\r\n")),
    "chunk shorter than said": refused(chunks(b"4\r\nabc\r\n0\r\n\r\n")),
    "chunks by line feeds": refused(chunks(b"3\nabc\n0\n\n")),
    "line feed in an extension": refused(chunks(b"3;\nabc\r\n0\r\n\r\n")),
    "carriage return there": refused(chunks(b"3;a\rb\r\nabc\r\n0\r\n\r\n")),
    "GET with a body": passed(
        b"GET / HTTP/1.1\r\n" + HOST + CHUNKED + b"\r\n3\r\nabc\r\n0\r\n\r\n", "GET /", body=b"abc"
    ),
    # Not the header it looks like: what follows is a request of its own, and none.
    "Transfer_Encoding": Case(
        post(b"Transfer_Encoding: chunked\r\n", b"0\r\n\r\n"), 400, (("POST /", b""),)
    ),
    # Whose request it is.
    "two hosts": refused(get(b"GET / HTTP/1.1", b"Host: b")),
    "no host": refused(b"GET / HTTP/1.1\r\n\r\n"),
    "list of hosts": refused(b"GET / HTTP/1.1\r\nHost: %s, b\r\n\r\n" % NAME.encode()),
    "user in the host": refused(b"GET / HTTP/1.1\r\nHost: b@%s\r\n\r\n" % NAME.encode()),
    "port that is none": refused(b"GET / HTTP/1.1\r\nHost: %s:b\r\n\r\n" % NAME.encode()),
    "space in the host": refused(b"GET / HTTP/1.1\r\nHost: a b\r\n\r\n"),
    "host in capitals": passed(b"GET / HTTP/1.1\r\nHost: API.example.COM\r\n\r\n", "GET /"),
    "host with a dot": passed(b"GET / HTTP/1.1\r\nHost: api.example.com.\r\n\r\n", "GET /"),
    "absolute": passed(b"GET https://api.example.com/a?b HTTP/1.1\r\nHost: b\r\n\r\n", "GET /a?b"),
    "absolute, no path": passed(get(b"GET https://api.example.com?b HTTP/1.1"), "GET /?b"),
    "absolute, a user": refused(get(b"GET https://b@api.example.com/ HTTP/1.1")),
    "absolute, no host": refused(get(b"GET https:///a HTTP/1.1")),
    "absolute, port": refused(get(b"GET https://api.example.com:99999/ HTTP/1.1")),
    "another's path": refused(get(b"CONNECT api.example.com:443 HTTP/1.1"), 405),
    "asterisk": refused(get(b"OPTIONS * HTTP/1.1")),
    # Versions.
    "0.9": refused(b"GET /\r\n"),
    "0.9 of the host": refused(b"GET https://api.example.com/\r\n"),
    "1.0": Case(b"GET / HTTP/1.0\r\n" + HOST + b"\r\n", 0, (("GET /", b""),)),
    "1.2": version(b"HTTP/1.2"),
    "2.0": version(b"HTTP/2.0", 505),
    "3.0": version(b"HTTP/3.0", 505),
    "0.9 in the line": version(b"HTTP/0.9", 400),
    "small letters": version(b"http/1.1", 400),
    "another protocol": version(b"HTTPS/1.1", 400),
    "HTTP/2's preface": refused(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"),
    "h2c": passed(
        get(
            b"GET / HTTP/1.1",
            b"Connection: Upgrade, HTTP2-Settings",
            b"Upgrade: h2c",
            b"HTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA",
        ),
        "GET /",
    ),
    "web socket": passed(
        get(
            b"GET / HTTP/1.1",
            b"Connection: Upgrade",
            b"Upgrade: websocket",
            b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
            b"Sec-WebSocket-Version: 13",
        ),
        "GET /",
    ),
    "for the connection": passed(
        get(
            b"GET / HTTP/1.1",
            b"Connection: keep-alive, X-Forwarded-For, X-Request-ID",
            b"Keep-Alive: timeout=9",
            b"TE: trailers",
            b"Proxy-Connection: close",
        ),
        "GET /",
    ),
    # Targets: as they came, for nginx's own decision is about where they lead.
    "%00": path(b"/a%00b", 400),
    "NUL": path(b"/a\0b", 400),
    "%0d%0a": path(b"/a%0d%0aX-Request-ID:%20b"),
    "..": path(b"/a/../b"),
    "above the root": path(b"/../etc/passwd", 400),
    "..%2f": path(b"/a/..%2fb"),
    "//": path(b"//b//c"),
    "backslash": path(b"/a\\..\\b"),
    "%zz": path(b"/%zz", 400),
    "no UTF-8": path(b"/\xff"),
    "fragment": path(b"/a#b?c"),
    "space": path(b"/a b", 400),
    "control character": path(b"/a\x7f", 400),
    "tab for a space": path(b"/a\tHTTP/1.1", 400),
    "9,000 characters": path(b"/" + b"a" * 9000, 414),
    "small method": refused(get(b"get / HTTP/1.1")),
    "method nobody knows": passed(get(b"G-ET_X / HTTP/1.1"), "G-ET_X /"),
    "control character in it": refused(get(b"GET\x01 / HTTP/1.1")),
    # Lines.
    "line feeds": passed(get().replace(b"\r\n", b"\n"), "GET /"),
    "carriage returns": refused(get().replace(b"\r\n", b"\r") + b"\r\n\r\n"),
    "empty lines first": passed(b"\r\n\r\n" + get(), "GET /"),
    "space first": refused(b" " + get()),
    "first header folded": refused(b"GET / HTTP/1.1\r\n " + HOST + HOST + b"\r\n"),
    "folded": field(b"X-A: a\r\n b", 400),
    "NUL in a header": field(b"X-A: a\0b", 400),
    "carriage return in one": field(b"X-A: a\rX-B: b", 400),
    "line feed in one": field(b"X-A: a\nX-B: b"),
    "no colon": field(b"X-A"),
    "no name": field(b": a", 400),
    "space in the name": field(b"X A: a", 400),
    "control character in the name": field(b"X\x01A: a", 400),
    "name that is none": field(b"X@(A): a"),
    "name with an underscore": field(b"X_Forwarded_For: 203.0.113.1"),
    "Latin-1": field(b"X-A: \xe9"),
    "header too large": field(b"X-A: " + b"a" * 9000, 431),
    "headers too large": field(b"\r\n".join([b"X-A: " + b"a" * 7000] * 6), 431),
    "a thousand headers": field(b"\r\n".join(b"a%d: b" % at for at in range(1000)), 431),
    "two tokens": field(b"Authorization: a\r\nAuthorization: b", 400),
    "two chains": field(b"X-Forwarded-For: a\r\nX-Forwarded-For: b"),
    "two ids": field(b"X-Request-ID: a\r\nX-Request-ID: b"),
    # Several at once.
    "pipelined": Case(
        get() + length(b"3", b"abc") + get(b"GET /c HTTP/1.1"),
        0,
        (("GET /", b""), ("POST /", b"abc"), ("GET /c", b"")),
    ),
    "pipelined, one bad": Case(get() + get(b"GET /\0 HTTP/1.1"), 400, (("GET /", b""),)),
    "100-continue": passed(
        post(b"Expect: 100-continue\r\nContent-Length: 3\r\n", b"abc"), "POST /", body=b"abc"
    ),
    "TLS in TLS": refused(b"\x16\x03\x01\x02\x00\x01" + b"\0" * 20),
}
CLOSES = {"1.0"}
# Answered without a status line and headers, as HTTP/0.9 has it.
BARE = {"0.9", "0.9 of the host"}


def check(site: Site, behind: Recorder, name: str) -> None:
    """What nginx makes of the case."""
    case = CASES[name]
    behind.requests.clear()
    received = say(site, case.sent + LAST)
    host = f"{NAME}:{site.https}"
    for each in behind.requests:
        each.check(host)
    got = [(each.line, each.body) for each in behind.requests]
    assert behind.torn == []
    if name in BARE:
        assert received.startswith(b'{"type":"about:blank"'), received
        assert got == []
        return
    closes = case.status or name in CLOSES
    assert got == [*case.passed, *([] if closes else [("GET /last", b"")])]
    found = answers(received)
    ok = len(case.passed) + (0 if closes else 1)
    assert [each.status_code for each in found] == [200] * ok + [case.status] * bool(case.status)
    if case.status:
        check_problem(found[-1], case.status)
    for answer, request in zip(found, behind.requests, strict=False):
        assert answer.headers["x-request-id"].encode() == request.values("x-request-id")[0]


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Recorder]]:
    """One nginx for all cases."""
    folder = tmp_path_factory.mktemp("malformed") / "nginx"
    with recorder() as behind, nginx(folder, servers(behind.address), FAST) as site:
        yield site, behind


@pytest.mark.parametrize("name", CASES)
def test_shipped(shipped: tuple[Site, Recorder], name: str) -> None:
    check(*shipped, name)


def test_plain_port_passes_nothing_on(shipped: tuple[Site, Recorder]) -> None:
    """Nor does it speak HTTP/2: neither after an upgrade nor from the start."""
    site, behind = shipped
    behind.requests.clear()
    for name, status in (("h2c", 301), ("web socket", 301), ("HTTP/2's preface", 400)):
        first = answers(say(site, CASES[name].sent + LAST, tls=False))[0]
        assert first.status_code == status, name
        assert "upgrade" not in first.headers
    assert behind.requests == []


def header(name: str, value: str) -> Change:
    """One more header to the server behind."""
    line = 'proxy_set_header Connection "";'
    return Change("proxy.conf", line, f"{line} proxy_set_header {name} {value};")


NINE = Change("proxy.conf", 'if ($server_protocol = "") {', 'if ($server_protocol = "none") {')
LARGE = "large_client_header_buffers 4 8k;"


@pytest.mark.parametrize(
    ("name", "change"),
    [
        ("0.9 of the host", NINE),
        ("gzip, chunked", Change("problems.conf", " 501 502", " 502")),
        ("2.0", Change("problems.conf", " 505 /.problem", " /.problem")),
        ("2.0", Change("http.conf", '    505 "HTTP Version Not Supported";\n', "")),
        ("h2c", header("Upgrade", "$http_upgrade")),
        ("web socket", header("Upgrade", "$http_upgrade")),
        ("for the connection", header("TE", "$http_te")),
        ("for the connection", header("Proxy-Connection", "$http_proxy_connection")),
        ("length with zeros", header("Transfer-Encoding", "chunked")),
        ("length with zeros", header("Content-Length", "0")),
        ("absolute", Change("proxy.conf", "Host $host$public_port;", "Host $http_host;", 2)),
        ("host in capitals", header("X-Forwarded-Host", "$http_host")),
        ("%0d%0a", Change("proxy.conf", "http://$side;", "http://$side$uri;")),
        ("..", Change("proxy.conf", "http://$side;", "http://$side$uri;")),
        ("two ids", Change("proxy.conf", "X-Request-ID $id_of_request", "X-Other a")),
        ("Transfer_Encoding", Change("clients.conf", LARGE, f"{LARGE} underscores_in_headers on;")),
        (
            "name that is none",
            Change("clients.conf", LARGE, f"{LARGE} ignore_invalid_headers off;"),
        ),
        ("header too large", Change("clients.conf", LARGE, "large_client_header_buffers 4 16k;")),
        ("headers too large", Change("clients.conf", LARGE, "large_client_header_buffers 9 8k;")),
        ("9,000 characters", Change("clients.conf", LARGE, "large_client_header_buffers 4 16k;")),
    ],
)
def test_broken_is_seen(tmp_path: Path, name: str, change: Change) -> None:
    with (
        recorder() as behind,
        nginx(tmp_path / "nginx", servers(behind.address), FAST, change) as site,
        pytest.raises(AssertionError),
    ):
        check(site, behind, name)


def test_http2_on_the_plain_port_is_seen(tmp_path: Path) -> None:
    first = "default_server;\n    server_tokens off;"
    both = Change("api.conf", first, first + " http2 on;")
    with (
        recorder() as behind,
        nginx(tmp_path / "nginx", servers(behind.address), FAST, both) as site,
        pytest.raises((AssertionError, TimeoutError)),
    ):
        test_plain_port_passes_nothing_on((site, behind))
