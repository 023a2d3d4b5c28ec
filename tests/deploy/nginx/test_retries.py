"""What is sent to another server when one fails: reads and keyed POSTs, and no other POST of which
a byte has gone out."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.deploy.nginx.site import Change, Site, nginx, servers
from tests.deploy.nginx.upstream import Upstream, answer, breaks_off, echo, upstream
from tests.support import free_port

ROUNDS = 12
QUICK = Change("http.conf", "rate=50r/s", "rate=5000r/s")
KEY = {"Idempotency-Key": "5b1c"}


@dataclass
class Pair:
    """nginx before two servers, which are asked in turn."""

    site: Site
    good: Upstream
    bad: Upstream

    def statuses(self, method: str, headers: dict[str, str] | None = None) -> list[int]:
        """What ROUNDS such requests end in, each with a body where it may have one."""
        body = {} if method in {"GET", "HEAD", "OPTIONS", "DELETE"} else {"content": b"body"}
        with self.site.client() as client:
            return [
                client.request(method, "/items", headers=headers, **body).status_code
                for _ in range(ROUNDS)
            ]

    @property
    def sent(self) -> int:
        """How many requests came anywhere."""
        return len(self.good.received) + len(self.bad.received)


Begin = Callable[..., Pair]


@pytest.fixture
def begin(tmp_path: Path) -> Iterator[Begin]:
    """Starts it with these changes; stopped at the end."""
    with ExitStack() as stack:

        def start(*changes: Change) -> Pair:
            good = stack.enter_context(upstream(echo))
            bad = stack.enter_context(upstream(breaks_off))
            both = servers(good.address, bad.address)
            site = stack.enter_context(nginx(tmp_path / "nginx", both, QUICK, *changes))
            return Pair(site, good, bad)

        yield start


def reads_are_sent_again(pair: Pair) -> None:
    for method in ("GET", "HEAD", "OPTIONS", "PUT", "DELETE"):
        assert pair.statuses(method) == [200] * ROUNDS, method
    assert pair.bad.received != []


def keyed_post_is_sent_again(pair: Pair) -> None:
    assert pair.statuses("POST", KEY) == [200] * ROUNDS
    assert pair.bad.count("POST") >= 1
    assert all(each.body == b"body" for each in pair.good.received)
    assert all(each.values("idempotency-key") == ["5b1c"] for each in pair.good.received)


def other_post_is_sent_once(pair: Pair) -> None:
    for method, headers in (("POST", {}), ("POST", {"Idempotency-Key": ""}), ("PATCH", KEY)):
        before = pair.sent
        statuses = pair.statuses(method, headers)
        assert pair.sent - before == ROUNDS, method
        assert statuses.count(502) == ROUNDS // 2, method
        assert set(statuses) == {200, 502}, method


def refusal_costs_nothing(pair: Pair) -> None:
    """Nothing was sent, so anything may be sent elsewhere."""
    for method in ("GET", "POST", "PATCH"):
        assert pair.statuses(method) == [200] * ROUNDS, method


def answers_that_are_sent_again(pair: Pair) -> None:
    pair.bad.answer = lambda _: answer(502)
    assert pair.statuses("GET") == [200] * ROUNDS
    assert pair.statuses("POST", KEY) == [200] * ROUNDS
    before = pair.sent
    assert pair.statuses("POST").count(502) == ROUNDS // 2
    assert pair.sent - before == ROUNDS
    # 503: whoever has too much to do must not be given the others' share as well.
    for status in (503, 500, 504, 429, 404):
        pair.bad.answer = lambda _, status=status: answer(status)
        before = pair.sent
        assert pair.statuses("GET").count(status) == ROUNDS // 2, status
        assert pair.sent - before == ROUNDS


def all_are_broken(pair: Pair) -> None:
    """Each is tried once, and the client hears of it; nobody is left out for long afterwards."""
    pair.good.answer = breaks_off
    assert pair.statuses("GET") == [502] * ROUNDS
    assert pair.sent == 2 * ROUNDS
    pair.good.answer = pair.bad.answer = echo
    assert pair.statuses("GET") == [200] * ROUNDS
    assert pair.bad.count("GET") >= ROUNDS + ROUNDS // 2


def slow_read_is_not_begun_again(pair: Pair) -> None:
    pair.bad.answer = pair.bad.silence
    with pair.site.client() as client:
        assert sorted(client.get("/").status_code for _ in range(2)) == [200, 504]
        assert pair.sent == 2
        assert sorted(client.post("/", headers=KEY).status_code for _ in range(2)) == [200, 504]
        assert pair.sent == 4


Check = Callable[[Pair], None]
# As 60 s are to 5 s.
IMPATIENT = (
    Change("proxy.conf", "proxy_read_timeout 60s;", "proxy_read_timeout 600ms;"),
    Change("api.conf", "proxy_next_upstream_timeout 5s;", "proxy_next_upstream_timeout 50ms;"),
)
CHECKS: dict[Check, tuple[Change, ...]] = {
    reads_are_sent_again: (),
    keyed_post_is_sent_again: (),
    other_post_is_sent_once: (),
    answers_that_are_sent_again: (),
    all_are_broken: (),
    slow_read_is_not_begun_again: IMPATIENT,
}

FOR_ALL = "    proxy_next_upstream error timeout http_502;\n"
FOR_KEYED = "proxy_next_upstream error timeout http_502 non_idempotent;"


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_shipped(begin: Begin, check: Check) -> None:
    check(begin(*CHECKS[check]))


def test_server_that_refuses_costs_nothing(begin: Begin) -> None:
    pair = begin()
    nobody = Change("upstream.conf", pair.bad.address, f"127.0.0.1:{free_port()}")
    with nginx(
        pair.site.folder.with_name("one"), servers(pair.good.address, pair.bad.address), nobody
    ) as site:
        refusal_costs_nothing(Pair(site, pair.good, pair.bad))
    assert pair.bad.received == []


FLASK = '    "~^flask " "";\n'


@pytest.mark.parametrize("changes", [(), (Change("http.conf", FLASK, ""),)])
def test_flask_gets_nothing_twice(
    begin: Begin, tmp_path: Path, changes: tuple[Change, ...]
) -> None:
    """It does not know the header; with the guard taken out, this is seen."""
    pair = begin()
    both = f"{pair.good.address}; server {pair.bad.address} max_fails=0;"
    canary = (
        Change("canary.conf", "127.0.0.1:5500 max_fails=0;", both),
        Change("canary.conf", "    50%     quart;\n", ""),
    )
    with nginx(tmp_path / "canary", QUICK, *canary, *changes, upstream="canary.conf") as site:
        pair.site = site
        assert pair.statuses("GET") == [200] * ROUNDS
        before = pair.sent
        pair.statuses("POST", KEY)
        assert (pair.sent - before == ROUNDS) == (not changes)


@pytest.mark.parametrize(
    ("check", "change"),
    [
        (reads_are_sent_again, Change("api.conf", FOR_ALL, "    proxy_next_upstream off;\n")),
        (keyed_post_is_sent_again, Change("api.conf", FOR_KEYED, "")),
        (keyed_post_is_sent_again, Change("http.conf", r'"~^\S+ POST ." 1;', "")),
        (
            other_post_is_sent_once,
            Change("api.conf", FOR_ALL, FOR_ALL.replace(";", " non_idempotent;")),
        ),
        (other_post_is_sent_once, Change("http.conf", "POST .", "(POST|PATCH) .")),
        (other_post_is_sent_once, Change("http.conf", "POST .", "POST")),
        (
            answers_that_are_sent_again,
            Change("api.conf", FOR_ALL, FOR_ALL.replace(" http_502", "")),
        ),
        (
            answers_that_are_sent_again,
            Change("api.conf", FOR_ALL, FOR_ALL.replace(";", " http_503;")),
        ),
        (all_are_broken, Change("upstream.conf", " max_fails=0;", ";", 2)),
        (slow_read_is_not_begun_again, Change("api.conf", "proxy_next_upstream_timeout 50ms;", "")),
    ],
)
def test_broken_is_seen(begin: Begin, check: Check, change: Change) -> None:
    pair = begin(*CHECKS[check], change)
    with pytest.raises((AssertionError, IndexError)):
        check(pair)
