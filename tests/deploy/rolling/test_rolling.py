"""A rolling restart under load fails no request, loses none that was acknowledged and doubles none;
a process that is killed fails none that may be repeated.

`ROLLING_ROUNDS=20` makes it twenty of each, and prints what they came to.
"""

import asyncio
import os
import time
from collections.abc import Callable, Iterator
from itertools import cycle

import asyncpg
import pytest

from tests.deploy.rolling.cluster import PROCESSES, Cluster, cluster
from tests.deploy.rolling.load import CLIENTS, Load, load
from tests.support import wait_until

ROUNDS = int(os.environ.get("ROLLING_ROUNDS", "1"))
# What is longer than this is no blip, on a machine that has other things to do.
BLIP = 3.0

pytestmark = pytest.mark.xdist_group("rolling")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Cluster]:
    """The cluster both tests use."""
    with cluster(tmp_path_factory.mktemp("rolling")) as started:
        yield started


def rows(running: Cluster) -> set[str]:
    """Everybody who is registered."""

    async def run() -> set[str]:
        connection = await asyncpg.connect(running.database.superuser, database="shop", timeout=10)
        try:
            found = await connection.fetch("SELECT email FROM users", timeout=30)
            return {each["email"] for each in found}
        finally:
            await connection.close(timeout=10)

    return asyncio.run(run())


def under_load(running: Cluster, event: Callable[[Load], None]) -> Load:
    """Each round's event, before and after which the load has run for a while."""
    with load(running) as found:
        busy(found)
        for _ in range(ROUNDS):
            event(found)
            busy(found)
    return found


def busy(found: Load) -> None:
    """Waits for a few hundred answers."""
    before = len(found.outcomes)
    wait_until(lambda: len(found.outcomes) >= before + 20 * CLIENTS, "the load", 30)


def report(name: str, running: Cluster, found: Load) -> None:
    """What it came to."""
    seconds = time.monotonic() - found.started
    print(
        f"\n{name}: {len(found.outcomes)} requests in {seconds:.0f} s, "
        f"failed {dict(found.failed())}, "
        f"told to come back {sum(each.repeats for each in found.outcomes)}, "
        f"longest gap {found.longest_gap():.2f} s, "
        f"missing {len(found.acknowledged() - rows(running))}, "
        f"doubled {len(found.doubled(running))}"
    )


def test_rolling_restart_is_not_noticed(running: Cluster) -> None:
    def restart(_: Load) -> None:
        for at in range(PROCESSES):
            assert running.stop(at) == 0
            running.start(at)

    found = under_load(running, restart)
    report("rolling restart", running, found)
    assert not found.failed()
    assert found.acknowledged() <= rows(running)
    assert found.doubled(running) == []
    assert found.longest_gap() < BLIP


def test_killed_process_fails_only_what_must_not_be_repeated(running: Cluster) -> None:
    victims = cycle(range(PROCESSES))

    def kill(found: Load) -> None:
        at = next(victims)
        running.kill(at)
        busy(found)  # without it
        running.start(at)

    found = under_load(running, kill)
    report("kill -9", running, found)
    assert not found.failed("read", "keyed")
    failed = found.failed("plain")
    assert set(failed) <= {("plain", 502)}
    assert failed.total() <= CLIENTS * ROUNDS
    assert found.acknowledged() <= rows(running)
    assert found.doubled(running) == []
    assert found.longest_gap() < BLIP
