"""Valkey that is away or silent: what needs no limit goes on, what must be limited is refused."""

import time

import pytest

from tests.faults.judging import judge
from tests.faults.outcomes import Outcomes
from tests.faults.record import row
from tests.faults.scene import Scene, pause


@pytest.mark.long
@pytest.mark.parametrize("how", ["gone", "frozen"])
def test_valkey(site: Scene, how: str) -> None:
    goal = "reads and creates: 0 failed, ≤ 0.75 s; logins 503 + Retry-After, ≤ 0.75 s; back in 2 s"
    with (
        row(f"Valkey {how} 5 s, every route limited", goal) as it,
        site.server(RATELIMIT_DEFAULT="10000000 per minute") as server,
        site.load(server, kinds=("read", "create", "login"), health=True) as load,
    ):
        since = time.monotonic()
        with getattr(site.valkey, how)():
            pause(5)
        until = time.monotonic()
        load.more()
        pause(2.0)
        load.more()
        found = judge(it, site, load, since, until)
        others = found.of("read", "create", "health")
        it.must(not others.failed, f"failed: {others.how()}")
        logins = found.of("login")
        dishonest = Outcomes(each for each in logins.failed if not each.refused_honestly)
        it.must(not dishonest.requests, f"logins failed otherwise: {dishonest.how()}")
        it.must(logins.failed, "no login was refused")
        it.within("slowest", found.between(since - 0.5, until).slowest(), 0.75)
        it.within("/health", found.of("health").percentile(99), 0.1)
        it.within("logins back after", logins.first_success_after(until), 2.0)
        it.must(not server.tracebacks(), f"{server.tracebacks()} tracebacks in the log")
