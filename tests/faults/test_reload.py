"""A reload under load fails no request; one to a version that cannot run changes nothing."""

import signal
import time
from pathlib import Path

import pytest

from tests.faults.application import BROKEN_FACTORY, BROKEN_START
from tests.faults.flight import in_flight
from tests.faults.judging import judge, must_not_fail
from tests.faults.record import row
from tests.faults.scene import Scene, pause
from tests.support import wait_until

GOAL = "0 failed, gap ≤ 0.25 s; those in flight: 200"


@pytest.mark.parametrize(
    ("resting", "seconds"),
    [
        pytest.param(0.01, 2, id="quick"),
        pytest.param(0.01, 6, id="paced", marks=pytest.mark.long),
        pytest.param(0.0, 6, id="flat out", marks=pytest.mark.long),
    ],
)
def test_reload(site: Scene, resting: float, seconds: int) -> None:
    name = f"reload, {'paced' if resting else 'flat out'}, {seconds} s requests in flight"
    with row(name, GOAL) as it, site.server() as server, site.load(server, pause=resting) as load:
        before = server.workers()
        with in_flight(server.port, f"/faults/slow?seconds={seconds}", 8) as flight:
            told = server.send(signal.SIGHUP)
            done = server.all_ready(gone=before)
        load.more()
        found = judge(it, site, load, told, done)
        must_not_fail(it, found)
        it.must(flight.answers == [200] * 8, f"in flight: {flight.how()}")
        it.within("gap", found.longest_gap(), 0.25)
        it.must(not server.tracebacks(), "a traceback in the log")


@pytest.mark.long
def test_reloads_in_a_row(site: Scene) -> None:
    goal = "0 failed, gap ≤ 0.25 s; two workers in the end"
    with (
        row("five reloads, some before the last is done", goal) as it,
        site.server() as server,
        site.load(server) as load,
    ):
        before = server.workers()
        told = server.send(signal.SIGHUP)
        for _ in range(4):
            pause(0.7)
            server.send(signal.SIGHUP)
        load.more()
        done = server.all_ready(gone=before)
        load.more()
        found = judge(it, site, load, told, done)
        must_not_fail(it, found)
        it.within("gap", found.longest_gap(), 0.25)


@pytest.mark.long
@pytest.mark.parametrize("how", [BROKEN_FACTORY, BROKEN_START])
def test_reload_with_a_broken_version(site: Scene, tmp_path: Path, how: str) -> None:
    what = "cannot be loaded" if how == BROKEN_FACTORY else "cannot start"
    goal = "0 failed; the old workers serve on; the next good version comes up"
    broken = tmp_path / "broken"
    with (
        row(f"reload with a version that {what}", goal) as it,
        site.server(**{how: str(broken)}) as server,
        site.load(server) as load,
    ):
        before = server.workers()
        broken.touch()
        told = server.send(signal.SIGHUP)
        wait_until(lambda: complaints(server.log, server.service.log), "a complaint", 20)
        pause(3.0)
        it.must(server.service.process.poll() is None, "the arbiter has gone")
        it.must(all(each.is_running() for each in before), "an old worker has gone")
        done = time.monotonic()
        if not it.unmet:
            broken.unlink()
            server.send(signal.SIGHUP)
            done = server.all_ready(gone=before)
        load.more()
        found = judge(it, site, load, told, done)
        must_not_fail(it, found)


def complaints(*logs: Path) -> bool:
    """Whether it is said why there is no new version."""
    return any("this version cannot" in each.read_text() for each in logs)
