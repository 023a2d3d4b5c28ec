"""However a request is mangled, the server neither fails nor answers more than it was asked, and
forgets the connection."""

from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from tests.service.wire import Server, answers, request, serving

INNER = request("/inner")
REQUESTS = [
    request("/p?q=1", "Accept: */*", "X-Request-ID: abc"),
    request("/p", "Connection: close"),
    request("/p", method="POST", body=INNER),
    request("/p", "Transfer-Encoding: chunked", method="POST")
    + b"%x\r\n%s\r\n0\r\nX-Trailer: 1\r\n\r\n" % (len(INNER), INNER),
    request("/p", "Connection: Upgrade", "Upgrade: h2c"),
    request("/p", "Expect: 100-continue", method="PUT", body=b"hello"),
    b"GET /p HTTP/1.0\r\n\r\n",
]
# What parsers stumble over.
PIECES = [
    *(b"\r", b"\n", b"\r\n", b"\r\n\r\n", b"\0", b"\t", b" ", b":", b",", b";", b"\x0b", b"\xff"),
    *(b"Content-Length: 5\r\n", b"Transfer-Encoding: chunked\r\n", b"Host: y\r\n", b"0\r\n\r\n"),
    *(b"HTTP/1.0", b"HTTP/2.0", b"http://y/", b"chunked", b"-1", b"0x", b"99999999", b"/", b"*"),
]


@st.composite
def mangled(draw: st.DrawFn) -> bytes:
    """One or two requests, in which a few places were overwritten, filled or taken out."""
    chosen = draw(st.lists(st.sampled_from(REQUESTS), min_size=1, max_size=2))
    data = bytearray(b"".join(chosen))
    piece = st.one_of(st.sampled_from(PIECES), st.binary(max_size=3), st.sampled_from(REQUESTS))
    for _ in range(draw(st.integers(1, 4))):
        at = draw(st.integers(0, len(data)))
        data[at : at + draw(st.integers(0, 8))] = draw(piece)
    return bytes(data)


@pytest.fixture(scope="module")
def server() -> Iterator[Server]:
    with serving(eof_grace=5) as running:
        yield running


@pytest.fixture
def log(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    lines: list[dict[str, Any]] = []
    monkeypatch.setattr("service.observability.logging.emit", lines.append)
    return lines


@given(mangled())
@example(REQUESTS[2] * 2)
@example(REQUESTS[3] * 2)
@settings(
    max_examples=300,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
def test_mangled_requests(server: Server, log: list[dict[str, Any]], data: bytes) -> None:
    server.seen.clear()
    log.clear()
    found = [each for each in answers(server.talk(data, fin=True)) if each.status >= 200]
    server.until(lambda: not server.connections)
    assert server.failures == []
    assert all(each.status < 500 or each.status == 505 for each in found)
    refused = [each for each in found if each.status >= 400]
    # Each answer is to a request that was seen or noted, and nothing follows a refusal.
    assert len(found) - len(refused) <= len(server.seen)
    assert len(refused) <= 1
    assert refused == found[len(found) - len(refused) :]
    assert len(log) == sum(
        1 for each in refused if not any(seen.disconnect for seen in server.seen)
    )
    for seen in server.seen:
        # What ran on from one request into the next would show here.
        assert sum(name == b"host" for name, _ in seen.headers) <= 1
        assert sum(name == b"content-length" for name, _ in seen.headers) <= 1
