"""nginx and the service behind it read the same requests out of the same bytes: each gets one
answer, its own, whatever is sent around it."""

import json
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

import httpx
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.deploy.nginx.site import Change, Site, nginx, servers
from tests.deploy.nginx.wire import HOST, answers, say
from tests.service.support import start_service
from tests.support import wait_until

LIMITS = (
    Change("http.conf", "rate=50r/s", "rate=5000r/s"),
    Change("http.conf", "rate=1r/s", "rate=5000r/s"),
    Change("clients.conf", "zone=credentials burst=10", "zone=credentials burst=100"),
)
# What the service's server refuses before there is a request to log.
UNREADABLE = {"400", "431", "501", "505"}
Line = dict[str, Any]


@dataclass
class Tail:
    """What is added to a log of JSON lines."""

    path: Path
    offset: int = 0

    def lines(self) -> list[Line]:
        """The whole lines since the last time."""
        with self.path.open("rb") as log:
            log.seek(self.offset)
            added = log.read()
        added = added[: added.rfind(b"\n") + 1]
        self.offset += len(added)
        return [json.loads(line) for line in added.splitlines()]


@dataclass
class Behind:
    """The service behind nginx, and what both write down."""

    site: Site
    proxied: Tail
    served: Tail
    client: httpx.Client
    number: Iterator[int]
    settled: bool = False

    def settle(self) -> None:
        """Leaves what an earlier test did behind."""
        if not self.settled:
            mark = f"mark-{next(self.number)}"
            assert self.client.get("/nowhere", headers={"X-Request-ID": mark}).status_code == 404
            for log in (self.proxied, self.served):
                until(log, mark)
        self.settled = False

    def marked(self) -> tuple[list[Line], list[Line]]:
        """Asks on a connection of its own, which nginx passes on by the connection to the service
        that it used last. What nginx and the service wrote down before that."""
        mark = f"mark-{next(self.number)}"
        answer = self.client.get("/nowhere", headers={"X-Request-ID": mark})
        assert (answer.status_code, answer.headers["x-request-id"]) == (404, mark)
        return until(self.proxied, mark), until(self.served, mark)


def until(log: Tail, mark: str) -> list[Line]:
    """The lines about requests before the mark's."""
    found: list[Line] = []

    def marked() -> bool:
        found.extend(line for line in log.lines() if line["event"] in {"proxy", "request"})
        return any(line["request_id"] == mark for line in found)

    wait_until(marked, f"{mark} in {log.path.name}", 5)
    return [line for line in found if line["request_id"] != mark]


@contextmanager
def behind(folder: Path, database: str, *changes: Change) -> Iterator[Behind]:
    """A service and an nginx, during the block."""
    folder.mkdir(exist_ok=True)
    log = folder / "stdout.jsonl"
    with ExitStack() as stack:
        service = start_service(log, DATABASE_URL=database, RATELIMIT_ENABLED="0")
        stack.callback(service.stop, signal.SIGKILL)
        address = servers(service.url.removeprefix("http://"))
        site = stack.enter_context(nginx(folder / "nginx", address, *LIMITS, *changes))
        client = stack.enter_context(site.client())
        logs = Tail(folder / "nginx" / "access.log"), Tail(log)
        yield Behind(site, *logs, client, count())


@pytest.fixture(scope="module")
def shipped(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Behind]:
    """On the shipped files."""
    folder = tmp_path_factory.mktemp("reading")
    with behind(folder, create_database(migrated_template)) as running:
        yield running


def same_path(asked: str, served: str) -> bool:
    """Whether the service's path is the one in nginx's request line."""
    # The server takes the bytes of a path for UTF-8, and the log quotes what is not printable.
    path = unquote(asked)
    return served in {path, quote(path)}


def id_of(answer: httpx.Response) -> str | None:
    """The answer's request, in its header or its problem document."""
    own: str | None = answer.headers.get("x-request-id")
    if own is None and answer.headers.get("content-type") == "application/problem+json":
        own = answer.json().get("request_id")
    return own


def check(running: Behind, sent: bytes, source: str = "127.0.0.1") -> list[Line]:
    """Sends the bytes, which end in a request to close. Returns what the service logged."""
    running.settle()
    found = answers(say(running.site, sent, source=source))
    told, served = running.marked()
    assert [each.status_code for each in found] == [int(line["status"]) for line in told]
    ids = {line["request_id"] for line in told}
    for answer, line in zip(found, told, strict=True):
        own = id_of(answer)
        unread = line["upstream_status"] in UNREADABLE
        assert own == line["request_id"] or (unread and own not in ids), (own, line)
        # nginx does not give the header.
        assert line["upstream"] or "x-request-id" not in answer.headers, line
    passed_on = {line["request_id"]: line for line in told if line["upstream"]}
    assert len(passed_on) == sum(bool(line["upstream"]) for line in told)
    counts = Counter(line["request_id"] for line in served)
    for request_id, line in passed_on.items():
        expected = {1} if line["upstream_status"] not in UNREADABLE else {0, 1}
        assert counts[request_id] in expected, line
    # Of one it cannot read, the service does not know the id either.
    strange = [line for line in served if line["request_id"] not in passed_on]
    assert all(str(line["status"]) in UNREADABLE for line in strange), strange
    assert len(strange) <= sum(counts[each] == 0 for each in passed_on), (strange, told)
    served = [line for line in served if line["request_id"] in passed_on]
    for line in served:
        asked = passed_on[line["request_id"]]
        assert line["method"] == asked["method"]
        assert str(line["status"]) == asked["upstream_status"] == asked["status"]
        assert asked["path"] == "(not ASCII)" or same_path(asked["path"], line["path"]), asked
    running.settled = True
    return served


HIDDEN = b"GET /hidden HTTP/1.1\r\n" + HOST + b"X-Request-ID: hidden-%d\r\n\r\n"
# What frames a body, and what parsers disagree about.
FIELDS = [
    b"Content-Length: 0",
    b"Content-Length: 1",
    b"Content-Length: 03",
    b"Content-Length: +1",
    b"Content-Length : 1",
    b"Content-Length: 1, 1",
    b"Content-Length:",
    b"Content_Length: 5",
    b"Content-Length: SIZE",
    b"Content-Length: SIZE",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding: chunked",
    b"Transfer-Encoding:chunked ",
    b"transfer-encoding: CHUNKED",
    b"Transfer_Encoding: chunked",
    b"Transfer-Encoding : chunked",
    b"Transfer-Encoding: identity",
    b"Transfer-Encoding: chunked, chunked",
    b"X-A: b\nTransfer-Encoding: chunked",
    b"X-A: b\rTransfer-Encoding: chunked",
    b"X-A: b\r\n Transfer-Encoding: chunked",
    b"Connection: keep-alive",
    b"Connection: close",
    b"Connection: Content-Length, Host, X-Request-ID",
    b"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQ",
    b"Connection: Upgrade\r\nUpgrade: websocket",
    b"Expect: 100-continue",
    b"Expect: 200-ok",
    b"Host: other.example.com",
    b"X-Request-ID: other",
    b"X-HTTP-Method-Override: DELETE",
    b"Content-Type: application/json",
    b"Content-Encoding: gzip",
    b"TE: trailers, chunked",
    b"Trailer: Content-Length",
    b"Idempotency-Key: a",
    b"X-A",
    b"X-A: \xff",
    b"X-A: \x01",
    b"\xff: a",
    b": a",
    b"",
]
BODIES = [
    b"",
    b"a",
    b"{}",
    b"\r\n",
    b"0\r\n\r\n",
    b"1\r\na\r\n0\r\n\r\n",
    b"1;a=b\r\na\r\n0\r\nContent-Length: 5\r\n\r\n",
    b"1\na\n0\n\n",
    b"0x1\r\na\r\n0\r\n\r\n",
    b"3\r\na\r\n0\r\n\r\n",
    b"HIDDEN",
    b"0\r\n\r\nHIDDEN",
    b"2\r\nabHIDDEN",
]
LINES = [
    b"GET /nowhere HTTP/1.1",
    b"POST /nowhere HTTP/1.1",
    b"POST /api/v1/auth/login HTTP/1.1",
    b"POST /api/v1/auth/login HTTP/1.1",
    b"PUT /nowhere HTTP/1.1",
    b"DELETE /api/v1/users/1 HTTP/1.1",
    b"OPTIONS /api/v1/users HTTP/1.1",
    b"GET /health/live HTTP/1.1",
    b"GET /openapi.json HTTP/1.1",
    b"GET /nowhere HTTP/1.0",
    b"POST /nowhere HTTP/1.2",
    b"GET /nowhere HTTP/2.0",
    b"PRI * HTTP/2.0",
    b"PRI /nowhere HTTP/1.1",
    b"CONNECT /nowhere HTTP/1.1",
    b"GET https://api.example.com/nowhere?a HTTP/1.1",
    b"GET https://other.example.com/nowhere HTTP/1.1",
    b"GET /a%0d%0ab%20HTTP/1.1 HTTP/1.1",
    b"GET /a/../b//c/./d HTTP/1.1",
    b"GET /a#b?c HTTP/1.1",
    b"GET /a?b#c?%00 HTTP/1.1",
    b"GET /%c3%a9/%2F/%25 HTTP/1.1",
    b"GET /\xc3\xa9 HTTP/1.1",
    b"GET * HTTP/1.1",
]
requests = st.tuples(
    st.sampled_from(LINES),
    st.lists(st.sampled_from(FIELDS), max_size=4),
    st.sampled_from(BODIES),
)


def written(number: int, at: int, line: bytes, fields: list[bytes], body: bytes) -> bytes:
    """The request, with an id of its own."""
    hidden = HIDDEN % (number * 10 + at)
    body = body.replace(b"HIDDEN", hidden)
    given = [b"X-Request-ID: sent-%d-%d" % (number, at), *fields]
    head = b"".join(each.replace(b"SIZE", b"%d" % len(body)) + b"\r\n" for each in given)
    return line + b"\r\n" + HOST + head + b"\r\n" + body


def conversation(number: int, sent: list[tuple[bytes, list[bytes], bytes]]) -> bytes:
    """All of them, and one to close."""
    last = (b"GET /nowhere HTTP/1.1", [b"Connection: close"], b"")
    return b"".join(written(number, at, *each) for at, each in enumerate([*sent, last]))


CHUNKED = b"Transfer-Encoding: chunked"
SIZED = b"Content-Length: SIZE"
LOGIN = LINES[2]


@given(st.lists(requests, min_size=1, max_size=4))
@example([(LOGIN, [SIZED, CHUNKED], b"0\r\n\r\nHIDDEN")])
@example([(LOGIN, [SIZED], b"0\r\n\r\nHIDDEN"), (LOGIN, [CHUNKED], b"1\r\na\r\n0\r\n\r\n")])
@example([(LOGIN, [b"Transfer_Encoding: chunked"], b"0\r\n\r\nHIDDEN")])
@example([(LOGIN, [b"Expect: 100-continue", SIZED], b"HIDDEN")])
@example([(LINES[0], [SIZED], b"HIDDEN"), (LINES[0], [], b"HIDDEN")])
@example([(LINES[0], [b"X-A: \x01"], b""), (LINES[0], [], b"")])
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_bytes(shipped: Behind, sent: list[tuple[bytes, list[bytes], bytes]]) -> None:
    check(shipped, conversation(next(shipped.number), sent))


def check_private(running: Behind, path: str) -> None:
    """Asked by somebody outside, the service gets it only if it is not private."""
    line = f"GET {path} HTTP/1.1".encode("latin-1")
    sent = conversation(next(running.number), [(line, [], b"")])
    for each in check(running, sent, "127.0.0.6"):
        assert each["route"] not in {"/metrics", "/health", "/health/live", "/health/ready"}


PIECES = ["/", "/", "metrics", "health", "live", "ready", "m", "%6d", "%6D", "%256d", "etrics", "M"]
PIECES += [
    ".",
    "..",
    "%2e",
    "%2E%2e",
    "%2f",
    "%5c",
    "\\",
    ";",
    ";a=b",
    "?",
    "%3f",
    "#",
    "%23",
    "%20",
]
PIECES += ["%09", "a", "https://api.example.com", "%c0%af", "\xff", "static"]


@given(st.lists(st.sampled_from(PIECES), max_size=7).map("".join))
@example("metrics")
@example("/metrics")
@example("metrics/")
@example("metrics#")
@example("a/..;/metrics")
@example("static/..%2fmetrics")
@example("static/../%6detrics")
@example("health%2flive")
@example("%2fmetrics")
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_private_paths(shipped: Behind, path: str) -> None:
    """However somebody outside writes them, they do not reach the service."""
    check_private(shipped, f"/{path}")


def header(name: str, value: str) -> Change:
    """One more header to the service."""
    line = 'proxy_set_header Connection "";'
    return Change("proxy.conf", line, f"{line} proxy_set_header {name} {value};")


@pytest.mark.parametrize(
    ("sent", "change"),
    [
        # The rest of the body is the next request then.
        ((LOGIN, [SIZED], b"HIDDEN"), header("Content-Length", "0")),
        (
            (LOGIN, [b"X-Request-ID: other"], b""),
            Change("proxy.conf", "X-Request-ID $id_of_request", "X-Other a"),
        ),
        ((LINES[0], [], b""), Change("proxy.conf", "http://$side;", "http://$side/other;")),
        (
            (LINES[0], [], b""),
            Change("proxy.conf", "http_version 1.1;", "http_version 1.1; proxy_method POST;"),
        ),
    ],
)
def test_broken_is_seen(
    database: str,
    tmp_path: Path,
    sent: tuple[bytes, list[bytes], bytes],
    change: Change,
) -> None:
    with (
        behind(tmp_path, database, change) as running,
        pytest.raises((AssertionError, KeyError, httpx.HTTPError, pytest.fail.Exception)),
    ):
        check(running, conversation(1, [sent]))


def test_private_path_that_is_open_is_seen(database: str, tmp_path: Path) -> None:
    everybody = Change("private.conf", "deny all;", "")
    with behind(tmp_path, database, everybody) as running, pytest.raises(AssertionError):
        check_private(running, "/metrics")
