"""A process that is killed, or blocked, costs the requests inside it and nothing else."""

import socket
import time
from contextlib import closing

import pytest

from tests.faults.flight import in_flight
from tests.faults.judging import judge
from tests.faults.outcomes import Outcomes
from tests.faults.record import Row, row
from tests.faults.scene import Scene, ports_of
from tests.support import wait_until

CLIENTS = 16
ARBITER_LIMIT = 45.0


def must_be_inside(it: Row, found: Outcomes, inside: set[int]) -> None:
    """Only what was sent on a connection of the dead process may fail, each client once."""
    elsewhere = [each for each in found.failed if each.port not in inside]
    it.must(not elsewhere, f"failed outside the process: {Outcomes(elsewhere).how()}")
    it.must(len(found.failed) <= CLIENTS, "a client failed more than once")


@pytest.mark.parametrize("pause", [0.01, pytest.param(0.0, marks=pytest.mark.long)])
def test_worker_killed(site: Scene, pause: float) -> None:
    name = "one worker killed" + ("" if pause else ", flat out")
    goal = "only requests inside it fail; gap < 0.25 s; two workers again within 1 s"
    with row(name, goal) as it, site.server() as server, site.load(server, pause=pause) as load:
        victim, _ = server.workers()
        inside = ports_of(victim)
        killed = time.monotonic()
        victim.kill()
        back = server.all_ready(gone=[victim])
        load.more()
        found = judge(it, site, load, killed, back)
        must_be_inside(it, found, inside)
        it.within("two workers after", back - killed, 1.0)
        it.within("gap", found.longest_gap(), 0.25)


@pytest.mark.long
def test_all_workers_killed(site: Scene) -> None:
    goal = "only requests inside them fail; served again within 2 s"
    with row("all workers killed", goal) as it, site.server() as server, site.load(server) as load:
        victims = server.workers()
        inside = set.union(*map(ports_of, victims))
        killed = time.monotonic()
        for each in victims:
            each.kill()
        back = server.all_ready(gone=victims)
        load.more()
        found = judge(it, site, load, killed, back)
        must_be_inside(it, found, inside)
        it.within("two workers after", back - killed, 2.0)
        it.within("gap", found.longest_gap(), 2.0)


@pytest.mark.long
def test_arbiter_killed(site: Scene) -> None:
    goal = "requests under way are answered, no worker outlives it, another can start at once"
    with row("arbiter killed", goal) as it, site.server() as server:
        workers = server.workers()
        with in_flight(server.port, "/faults/slow?seconds=2", 4) as flight:
            killed = time.monotonic()
            server.service.process.kill()
        it.note(requests=len(flight.answers), failed=flight.how() or "0")
        it.must(not flight.how(), f"requests under way: {flight.how()}")
        wait_until(
            lambda: not any(each.is_running() for each in workers), "the workers", ARBITER_LIMIT
        )
        it.within("workers gone after", time.monotonic() - killed, 10.0)
        with closing(socket.socket()) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(("127.0.0.1", server.port))
        again = {**server.service.environ}
        with site.server(PORT=again["PORT"]) as next_, site.load(next_) as load:
            load.more()
            it.must(not load.end().failed, "its successor does not serve")


@pytest.mark.parametrize("timeout", [3, pytest.param(30, marks=pytest.mark.long)])
def test_blocked_event_loop(site: Scene, timeout: int) -> None:
    name = f"event loop blocked 60 s, timeout {timeout} s"
    goal = "ended within the timeout + 2 s; only requests inside it fail; the other serves"
    arguments = f"--timeout {timeout}"
    with (
        row(name, goal) as it,
        site.server(GUNICORN_CMD_ARGS=arguments) as server,
        site.load(server, limit=timeout + 30.0) as load,
    ):
        held = {each: ports_of(each) for each in server.workers()}
        blocked_at = time.monotonic()
        with in_flight(server.port, "/faults/block?seconds=60", 1):
            wait_until(lambda: not all(each.is_running() for each in held), "its end", timeout + 20)
            ended = time.monotonic()
            [victim] = [each for each in held if not each.is_running()]
            back = server.all_ready(gone=[victim])
        load.more()
        found = judge(it, site, load, blocked_at, back)
        must_be_inside(it, found, held[victim])
        it.within("ended after", ended - blocked_at, timeout + 2.0)
        it.within("replaced after", back - blocked_at, timeout + 4.0)
        it.within("gap", found.longest_gap(), 0.25)
