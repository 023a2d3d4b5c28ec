"""Slow, huge and endless requests: the others hardly notice, and memory stays flat."""

import time

import pytest

from tests.faults.judging import judge, must_not_fail
from tests.faults.record import measured, row, shown
from tests.faults.scene import Scene, bad_clients, pause, unshared

GROWTH = 20.0
# What is quicker is quick enough, whatever the quiet was like.
FLOOR = 0.02


@pytest.mark.parametrize(
    ("count", "seconds"), [(50, 3), pytest.param(200, 25, marks=pytest.mark.long)]
)
def test_bad_clients(site: Scene, count: int, seconds: int) -> None:
    goal = "0 failed; p99 within 3× of quiet; memory + 20 MB at most"
    name = f"{count} slow clients, bodies of 100 MB, endless heads"
    with row(name, goal) as it, site.server() as server, site.load(server, pause=0.05) as load:
        load.more(600 if seconds > 10 else 200)
        workers = server.workers()
        quiet_since = time.monotonic()
        pause(min(seconds, 10))
        before = {each.pid: unshared(each) for each in workers}
        since = time.monotonic()
        with bad_clients(server, count):
            peak = 0.0
            while time.monotonic() < since + seconds:
                pause(0.25)
                peak = max(peak, *(unshared(each) - before[each.pid] for each in workers))
        until = time.monotonic()
        load.more()
        found = judge(it, site, load, since, until)
        must_not_fail(it, found)
        quiet = found.between(quiet_since, since).percentile(99)
        during = found.between(since + 0.5, until).percentile(99)
        it.note(quiet=shown(quiet), meanwhile=shown(during), memory=f"+ {peak:.1f} MB")
        it.must(peak < GROWTH, f"memory grew by {peak:.1f} MB")
        limit = max(quiet, FLOOR) * (3 if measured() else 30)
        it.must(during < limit, f"p99 {shown(during)}, more than {shown(limit)}")
        it.must(server.workers() == workers, "a worker was replaced")
