"""HTTP/2: what cannot be said in HTTP/1.1 is refused, floods end with their connection, and nobody
is offered more than the limits give."""

from collections.abc import Callable, Iterator
from itertools import count, repeat
from pathlib import Path

import psutil
import pytest
from hyperframe.frame import (
    ContinuationFrame,
    HeadersFrame,
    PingFrame,
    PriorityFrame,
    SettingsFrame,
    WindowUpdateFrame,
)

from tests.deploy.nginx.frames import Pair, block, data, opened, pseudo, reset, talk
from tests.deploy.nginx.recorder import Recorder, recorder
from tests.deploy.nginx.site import NAME, Change, Site, nginx, servers
from tests.support import wait_until

FAST = Change("http.conf", "rate=50r/s", "rate=5000r/s")
SLOW = Change("http.conf", "rate=50r/s", "rate=1r/m")
STREAMS = "http2_max_concurrent_streams 64;"


@pytest.fixture(scope="module")
def shipped(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Site, Recorder]]:
    """One nginx for all cases."""
    folder = tmp_path_factory.mktemp("http2") / "nginx"
    with recorder() as behind, nginx(folder, servers(behind.address), FAST) as site:
        yield site, behind


GET = pseudo()
POST = pseudo(b"POST")
HIDDEN = b"GET /hidden HTTP/1.1\r\nHost: a\r\n\r\n"
REFUSED: dict[str, tuple[list[Pair], bytes]] = {
    "coding": ([*POST, (b"transfer-encoding", b"chunked")], b"0\r\n\r\n" + HIDDEN),
    "body longer than said": ([*POST, (b"content-length", b"1")], b"a" + HIDDEN),
    "body shorter than said": ([*POST, (b"content-length", b"99")], b"a"),
    "two lengths": ([*POST, (b"content-length", b"1"), (b"content-length", b"2")], b"a"),
    "connection": ([*GET, (b"connection", b"close")], b""),
    "upgrade": ([*GET, (b"upgrade", b"websocket")], b""),
    "te": ([*GET, (b"te", b"gzip")], b""),
    "another host": ([*GET, (b"host", b"other.example.com")], b""),
    "two authorities": ([*GET, (b":authority", b"b")], b""),
    "neither": (GET[:3], b""),
    "no scheme": ([*GET[:2], GET[3]], b""),
    "user": (pseudo(authority=b"a@" + NAME.encode()), b""),
    "line break in the authority": (pseudo(authority=NAME.encode() + b"\r\nX-A: b"), b""),
    "line break in the path": (pseudo(path=b"/ HTTP/1.1\r\nX-A: b\r\n\r\n"), b""),
    "space in the path": (pseudo(path=b"/ HTTP/1.1"), b""),
    "no path": (pseudo(path=b""), b""),
    "asterisk": (pseudo(path=b"*"), b""),
    "absolute": (pseudo(path=b"https://b/"), b""),
    "NUL in the path": (pseudo(path=b"/\0"), b""),
    "line break in the method": (pseudo(b"GET / HTTP/1.1\r\nX-A: b\r\n\r\nGET"), b""),
    "space in the method": (pseudo(b"GET /hidden"), b""),
    "line break in a value": ([*GET, (b"x-a", b"b\r\nx-c: d")], b""),
    "line feed in a value": ([*GET, (b"x-a", b"b\nx-c: d")], b""),
    "NUL in a value": ([*GET, (b"x-a", b"b\0")], b""),
    "capital in a name": ([*GET, (b"X-A", b"b")], b""),
    "colon in a name": ([*GET, (b"x:a", b"b")], b""),
    "line break in a name": ([*GET, (b"x\r\nb: c\r\nd", b"e")], b""),
    "pseudo header nobody knows": ([*GET, (b":a", b"b")], b""),
    "pseudo header too late": ([*GET[:3], (b"x-a", b"b"), GET[3]], b""),
    "CONNECT": (pseudo(b"CONNECT"), b""),
    "web socket": ([*pseudo(b"CONNECT"), (b":protocol", b"websocket")], b""),
}


@pytest.mark.parametrize("name", REFUSED)
def test_refused(shipped: tuple[Site, Recorder], name: str) -> None:
    """And the next request on the connection has its own answer."""
    site, behind = shipped
    behind.requests.clear()
    headers, body = REFUSED[name]
    with talk(site) as client:
        client.send(opened(1, block(headers), end=not body))
        if body:
            client.send(data(1, body))
        assert client.answers(1) in ([400], [405]), client
        client.send(opened(3, block(pseudo(path=b"/next"))))
        assert client.answers(3) == [200]
    assert [each.line for each in behind.requests] == ["GET /next"]
    behind.requests[0].check(f"{NAME}:{site.https}")


def test_passed_on(shipped: tuple[Site, Recorder]) -> None:
    """As one request of HTTP/1.1, whatever it looked like."""
    site, behind = shipped
    behind.requests.clear()
    cookies = [(b"cookie", b"a=b"), (b"cookie", b"c=d")]
    forged = [(b"x-forwarded-for", b"203.0.113.1"), (b"x_forwarded_for", b"203.0.113.1")]
    with talk(site) as client:
        client.send(opened(1, block([*POST, *cookies, *forged]), end=False))
        client.send(data(1, b"0\r\n\r\n" + HIDDEN))
        client.send(opened(3, block([*GET[:3], (b"host", NAME.encode())])))
        assert client.answers(1, 3) == [200, 200]
    for each in behind.requests:
        each.check(f"{NAME}:{site.https}")
    found = {each.line: each for each in behind.requests}
    assert found["POST /"].body == b"0\r\n\r\n" + HIDDEN
    assert found["POST /"].values("cookie") == [b"a=b; c=d"]
    assert found["POST /"].values("content-length") == [b"%d" % len(found["POST /"].body)]


def test_headers_too_large(shipped: tuple[Site, Recorder]) -> None:
    site, behind = shipped
    behind.requests.clear()
    with talk(site) as client:
        client.send(opened(1, block([*GET, *[(b"a%d" % at, b"b") for at in range(1200)]])))
        assert client.answers(1) == [431]
    assert behind.requests == []


# Floods. Each yields bytes by the hundred frames, for ever.
def pings() -> Iterator[bytes]:
    return repeat(PingFrame(0, b"12345678").serialize() * 500)


def settings() -> Iterator[bytes]:
    return repeat(SettingsFrame(0).serialize() * 500)


def windows() -> Iterator[bytes]:
    return repeat(WindowUpdateFrame(0, window_increment=1).serialize() * 500)


def priorities() -> Iterator[bytes]:
    return repeat(PriorityFrame(3, depends_on=0, stream_weight=1).serialize() * 500)


def nothing_in_bodies() -> Iterator[bytes]:
    yield opened(1, block(POST), end=False)
    yield from repeat(data(1, b"", end=False) * 500)


def nothing_in_headers() -> Iterator[bytes]:
    yield HeadersFrame(1, b"").serialize()
    yield from repeat(ContinuationFrame(1, b"").serialize() * 500)


def headers_without_end() -> Iterator[bytes]:
    yield HeadersFrame(1, block(GET)).serialize()
    yield from repeat(ContinuationFrame(1, block([(b"x-a", b"b" * 100)])).serialize() * 100)


def unknown_frames() -> Iterator[bytes]:
    return repeat(b"\0\0\0\xee\0\0\0\0\0" * 500)


def rapid_resets() -> Iterator[bytes]:
    headers = block(GET)
    for at in count(1, 200):
        yield b"".join(opened(each, headers) + reset(each) for each in range(at, at + 200, 2))


def resets_of_one() -> Iterator[bytes]:
    yield opened(1, block(POST), end=False)
    yield from repeat(reset(1) * 500)


FLOODS: tuple[Callable[[], Iterator[bytes]], ...] = (
    pings,
    settings,
    windows,
    priorities,
    nothing_in_bodies,
    nothing_in_headers,
    headers_without_end,
    unknown_frames,
    rapid_resets,
    resets_of_one,
)
MOST = 64 * 1024 * 1024


def memory(site: Site) -> int:
    """What nginx's processes hold, in bytes."""
    main = psutil.Process(int((site.folder / "nginx.pid").read_text()))
    return sum(each.memory_info().rss for each in [main, *main.children(recursive=True)])


@pytest.mark.parametrize("flood", FLOODS, ids=lambda each: each.__name__)
def test_flood_ends(shipped: tuple[Site, Recorder], flood: Callable[[], Iterator[bytes]]) -> None:
    """Nobody else notices, and little of it reaches the service."""
    site, behind = shipped
    behind.requests.clear()
    before = memory(site)
    with talk(site, "127.0.0.2") as client, site.client() as other:

        def watched() -> Iterator[bytes]:
            for at, each in enumerate(flood()):
                yield each
                if at % 100 == 0:
                    assert other.get("/other").status_code == 200

        ended, _ = client.floods(watched(), MOST)
        assert ended
        assert other.get("/other").status_code == 200
    assert memory(site) - before < 20 * 1024 * 1024
    assert sum(each.line != "GET /other" for each in behind.requests) <= 1100


def limit(site: Site, behind: Recorder) -> None:
    """Who opens as many streams as the settings allow gets an answer to each."""
    with talk(site) as client:
        streams = range(1, 2 * client.settings[3], 2)
        headers = block(GET)
        client.send(b"".join(opened(each, headers) for each in streams))
        assert client.answers(*streams) == [200] * len(streams)
        assert len(behind.requests) == len(streams) >= 50


def resets_count(site: Site, behind: Recorder) -> None:
    """A request that is reset was one all the same: the limit of requests holds for them, after
    they have reached the service as before."""
    behind.silent = True
    headers = block(GET)
    with talk(site) as client:
        for at in range(1, 400, 40):
            before = behind.connections
            client.send(b"".join(opened(each, headers) for each in range(at, at + 40, 2)))
            if at < 200:
                wait_until(lambda before=before: behind.connections >= before + 20, "requests")
            client.send(b"".join(reset(each) for each in range(at, at + 40, 2)))
        client.send(opened(401, headers))
        assert client.answers(401) == [429]
    assert behind.connections <= 101


def stalled_body(site: Site, behind: Recorder) -> None:
    """It is given up, and the service never hears of it."""
    with talk(site) as client:
        client.send(opened(1, block([*POST, (b"content-length", b"9")]), end=False))
        client.send(data(1, b"no", end=False))
        client.connection.settimeout(2)
        client.answers(1)
        assert client.ended == {1}
    assert behind.connections == 0


Check = Callable[[Site, Recorder], None]
SHORT = Change("clients.conf", "client_body_timeout 10s;", "client_body_timeout 300ms;")
CHECKS: dict[Check, tuple[Change, ...]] = {limit: (), resets_count: (SLOW,), stalled_body: (SHORT,)}


def run(folder: Path, check: Check, *changes: Change) -> None:
    with recorder() as behind, nginx(folder, servers(behind.address), *changes) as site:
        try:
            check(site, behind)
        finally:
            behind.done.set()


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(tmp_path: Path, check: Check) -> None:
    run(tmp_path / "nginx", check, *CHECKS[check])


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (limit, Change("clients.conf", STREAMS, "")),
        (resets_count, Change("clients.conf", "limit_req zone=api burst=100 nodelay;", "")),
        (stalled_body, Change("clients.conf", "client_body_timeout 300ms;", "")),
        (stalled_body, Change("proxy.conf", "request_buffering on;", "request_buffering off;")),
    ],
)
def test_broken_is_seen(tmp_path: Path, check: Check, change: Change) -> None:
    with pytest.raises((AssertionError, TimeoutError)):
        run(tmp_path / "nginx", check, *CHECKS[check], change)
