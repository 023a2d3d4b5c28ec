"""PostgreSQL that is away, silent, slow, or ends connections: honest refusals at once, no write
lost that was acknowledged, and service again by itself."""

import os
import subprocess
import sys
import time

import pytest

from tests.faults.judging import judge
from tests.faults.outcomes import Outcomes
from tests.faults.record import Row, measured, row
from tests.faults.scene import SINGLE, Scene, Server, pause

# What /health may take, by the contract.
HEALTH = 2.0
# Of the start, of changes of state, and of requests that were under way just then.
OTHER_LINES = 100


def must_be_honest(it: Row, found: Outcomes) -> None:
    """Every failure is a 503 that says when to come back; of /health, a 503."""
    others = Outcomes(
        each
        for each in found.failed
        if not each.refused_honestly and not (each.kind == "health" and each.answer == 503)
    )
    it.must(not others.requests, f"failed otherwise: {others.how()}")
    it.must(not found.closed, f"{len(found.closed)} idle connections closed without a word")


def must_say_little(it: Row, server: Server, found: Outcomes) -> None:
    """One line for a request, and few others: a traceback for each would be megabytes."""
    lines, tracebacks = len(server.lines()), server.tracebacks()
    it.note(log_lines=f"{lines:,}", tracebacks=tracebacks)
    it.must(not tracebacks, f"{tracebacks} tracebacks in the log")
    it.must(lines < len(found.requests) + OTHER_LINES, f"{lines:,} lines in the log")


def must_recover(it: Row, found: Outcomes, back: float) -> None:
    """By itself, at once, and for good."""
    it.within("back after", found.of("read", "create").first_success_after(back), 0.5)
    late = found.between(back + (1.0 if measured() else 5.0), float("inf"))
    it.must(not late.failed, f"still failing long after: {late.how()}")


@pytest.mark.parametrize("seconds", [2, pytest.param(5, marks=pytest.mark.long)])
def test_stopped(site: Scene, seconds: int) -> None:
    goal = "503 + Retry-After, p99 < 50 ms while away; success < 0.5 s after; no traceback"
    with (
        row(f"database stopped {seconds} s", goal) as it,
        site.server() as server,
        site.load(server, health=True) as load,
    ):
        away = time.monotonic()
        site.postgres.stop()
        try:
            pause(seconds)
        finally:
            back = site.postgres.start()
        load.more()
        found = judge(it, site, load, away, back)
        must_be_honest(it, found)
        must_say_little(it, server, found)
        it.within("p99 while away", found.between(away, back - 0.1).percentile(99), 0.05)
        must_recover(it, found, back)


@pytest.mark.parametrize("seconds", [3, pytest.param(5, marks=pytest.mark.long)])
def test_frozen(site: Scene, seconds: int) -> None:
    goal = "503 + Retry-After ≤ 1.5 s, /health ≤ 2 s; success < 0.5 s after; no traceback"
    with (
        row(f"database frozen {seconds} s", goal) as it,
        site.server() as server,
        site.load(server, health=True) as load,
    ):
        away = time.monotonic()
        with site.postgres.frozen():
            pause(seconds)
        back = time.monotonic()
        load.more()
        found = judge(it, site, load, away, back)
        must_be_honest(it, found)
        must_say_little(it, server, found)
        meanwhile = found.between(away - 1.0, back)
        it.within("slowest", meanwhile.of("read", "create").slowest(), 1.5)
        it.within("/health", meanwhile.of("health").slowest(), HEALTH)
        must_recover(it, found, back)


@pytest.mark.long
def test_connections_killed(site: Scene) -> None:
    goal = "at most those in flight fail, each 503 + Retry-After; gap < 0.25 s"
    with (
        row("database connections killed", goal) as it,
        site.server() as server,
        site.load(server) as load,
    ):
        since = time.monotonic()
        killed = 0
        for _ in range(3):
            killed += site.postgres.terminate_backends()
            load.more()
        found = judge(it, site, load, since, time.monotonic())
        it.note(killed=killed)
        must_be_honest(it, found)
        must_say_little(it, server, found)
        it.must(len(found.failed) <= killed, "more failed than were in flight")
        it.within("gap", found.longest_gap(), 0.25)


@pytest.mark.long
def test_pool_exhausted(site: Scene) -> None:
    goal = "every one a 200, or a 503 + Retry-After past its limit; /health ≤ 0.1 s meanwhile"
    hold = {"kinds": ("/faults/hold?seconds=0.2",), "clients": 200, "once": True, "warm": 0}
    with (
        row("200 requests of 200 ms on 30 connections", goal) as it,
        site.server(SINGLE) as server,
        site.load(server, clients=0, health=True, warm=10) as watcher,
        site.load(server, **hold) as load,
    ):
        load.process.wait(60)
        health = watcher.end()
        found = load.outcomes()
        it.note(requests=len(found.requests), failed=found.how())
        it.must(len(found.requests) == 200, "some have no outcome")
        must_be_honest(it, found)
        it.must(not health.failed, f"/health: {health.how()}")
        it.within("slowest", found.slowest(), 5.5)
        it.within("/health", health.slowest(), 0.1)


@pytest.mark.long
def test_overload(site: Scene) -> None:
    goal = "beyond 500 in flight 503 + Retry-After ≤ 0.1 s, the others 200; /health ≤ 0.1 s"
    many = {"kinds": ("/faults/slow?seconds=1",), "clients": 600, "pause": 0.5}
    with (
        row("600 clients with requests of 1 s at one process", goal) as it,
        site.server(SINGLE) as server,
        site.load(server, clients=0, health=True, warm=10) as watcher,
        site.load(server, **many) as load,
    ):
        since = time.monotonic()
        pause(5)
        health = watcher.end().between(since, time.monotonic())
        found = load.end().between(since, time.monotonic())
        shed = Outcomes(each for each in found.failed if each.refused_honestly)
        it.note(requests=f"{len(found.requests):,}", failed=found.how())
        must_be_honest(it, found)
        it.must(shed.requests, "nothing was shed")
        it.must(not health.failed, f"/health: {health.how()}")
        it.within("shed, p99", shed.percentile(99), 0.1)
        it.within("/health, p99", health.percentile(99), 0.1)


@pytest.mark.long
def test_no_cpu(site: Scene) -> None:
    goal = "slower, and no false 503: 0 failed"
    with (
        row("8 busy processes beside it", goal) as it,
        site.server() as server,
        site.load(server, health=True) as load,
    ):
        hogs = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(8)]
        since = time.monotonic()
        try:
            for each in hogs:
                if os.geteuid() == 0:
                    os.setpriority(os.PRIO_PROCESS, each.pid, -5)
            pause(10)
        finally:
            for each in hogs:
                each.kill()
                each.wait(10)
        until = time.monotonic()
        load.more()
        found = judge(it, site, load, since, until)
        it.must(not found.failed, f"failed: {found.how()}")
