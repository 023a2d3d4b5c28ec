"""`python -m tests.faults.soak [--minutes 30] [--seed N]`: mixed load, and a fault every minute.

Two instances on one database. One is Gunicorn with two workers, which are reloaded and killed; the
other is `python -m service`, which is never restarted, so that nothing hides what it leaks. Before
the clock starts, every fault happens once: memory that a fault needs for the first time is no leak.

Memory is RSS. Of the processes that last, the median of the last fifth of the time is held to that
of the first fifth. Of workers, which come and go, those seen at least half a minute after their
start are compared: the median of the last third of them to that of the first third.
"""

import argparse
import json
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

import psutil

from tests.faults.outcomes import Outcome, Outcomes
from tests.faults.scene import SINGLE, Load, Scene, Server, bad_clients, pause, scene
from tests.support import wait_until

GROWTH = 0.05
# How many there are depends on what the pools happened to need; no more than all of them together.
MOST_CONNECTIONS = 120
LENGTH = 5.0
SAMPLE = 5.0
# A worker that old has seen its share of requests.
GROWN_UP = 30.0
# How long after a fault its effects may be seen.
AFTERMATH = 1.0
WARM_UP_REST = 5.0
CUT = frozenset({"closed", "reset", "half an answer"})


@dataclass(frozen=True)
class Window:
    """When a fault was, and which failures it explains."""

    since: float
    until: float
    explains: Callable[[Outcome], bool]


@dataclass(frozen=True)
class Sample:
    """Of one process. `files`: descriptors that are no sockets; `connections`: those that are."""

    at: float
    pid: int
    name: str
    age: float
    rss: float
    files: int
    connections: int


@dataclass
class Soak:
    """What runs, what is done to it, and what was seen."""

    site: Scene
    workers: Server
    lasting: Server
    loads: list[Load]
    chosen: random.Random
    windows: list[Window] = field(default_factory=list)
    samples: list[Sample] = field(default_factory=list)
    acknowledged: set[str] = field(default_factory=set)
    doubled: int = 0
    requests: int = 0
    explained: int = 0
    unexplained: list[Outcome] = field(default_factory=list)
    closed: int = 0
    broken_lines: int = 0
    tracebacks: int = 0

    def faults(self) -> dict[str, Callable[[], None]]:
        """Each by its name."""
        return {
            "reload": self.reload,
            "worker killed": self.kill,
            "database stopped": self.stop_database,
            "database frozen": self.freeze_database,
            "database connections killed": self.kill_connections,
            "Valkey restarted": self.restart_valkey,
            "Valkey frozen": self.freeze_valkey,
            "bad clients": self.bad_clients,
            "log rotated": self.rotate,
        }

    def happened(self, since: float, explains: Callable[[Outcome], bool]) -> None:
        """Until now."""
        self.windows.append(Window(since, time.monotonic() + AFTERMATH, explains))

    def reload(self) -> None:
        """Every worker by a new one; nothing may fail."""
        before = self.workers.workers()
        self.workers.service.process.send_signal(signal.SIGHUP)
        self.workers.all_ready(gone=before)

    def kill(self) -> None:
        """One worker; what was inside it fails."""
        since = time.monotonic()
        victim = self.chosen.choice(self.workers.workers())
        victim.kill()
        self.workers.all_ready(gone=[victim])
        self.happened(since, lambda each: each.answer in CUT or is_busy(each))

    def stop_database(self) -> None:
        """Everything is refused honestly."""
        since = time.monotonic()
        self.site.postgres.stop()
        try:
            pause(LENGTH)
        finally:
            self.site.postgres.start()
        self.happened(since, is_refused_or_busy)

    def freeze_database(self) -> None:
        """The same."""
        since = time.monotonic()
        with self.site.postgres.frozen():
            pause(LENGTH)
        self.happened(since, is_refused_or_busy)

    def kill_connections(self) -> None:
        """What was on them is refused honestly."""
        since = time.monotonic()
        self.site.postgres.terminate_backends()
        self.happened(since, is_refused_or_busy)

    def restart_valkey(self) -> None:
        """Nothing of this load needs it."""
        with self.site.valkey.gone():
            pause(LENGTH)

    def freeze_valkey(self) -> None:
        """The same."""
        with self.site.valkey.frozen():
            pause(LENGTH)

    def bad_clients(self) -> None:
        """Of either instance; nobody else may notice."""
        with bad_clients(self.workers, 100), bad_clients(self.lasting, 100):
            pause(3 * LENGTH)

    def rotate(self) -> None:
        """Each log is renamed, as logrotate does; every line of the old one is whole."""
        for server in (self.workers, self.lasting):
            old = server.log.with_suffix(".1")
            server.log.rename(old)
            wait_until(server.log.exists, "a new log file", 20)
            pause(1.0)  # a line may be on its way to the old one
            self.read(old)
            old.unlink()

    def read(self, log: Path) -> None:
        """Counts what should not be in it."""
        for line in log.read_bytes().splitlines():
            try:
                self.tracebacks += "exception" in json.loads(line)
            except ValueError:
                self.broken_lines += 1

    def judge(self) -> tuple[int, int, int]:
        """The requests since the last time, those of them that failed and a fault explains, and the
        others."""
        requests = explained = unexplained = 0
        for load in self.loads:
            found = load.fresh()
            requests += len(found.requests)
            self.acknowledged |= found.acknowledged()
            self.doubled += len(found.doubled())
            self.closed += len(found.closed)
            for each in found.failed:
                if any(is_explained(each, window) for window in self.windows):
                    explained += 1
                else:
                    unexplained += 1
                    self.unexplained.append(each)
        self.requests += requests
        self.explained += explained
        return requests, explained, unexplained

    def sample(self) -> None:
        """Every process once."""
        arbiter = self.workers.main
        every = [
            (arbiter, "arbiter"),
            (self.lasting.main, "lasting"),
            *((each, "worker") for each in self.workers.workers()),
        ]
        for process, name in every:
            with suppress(psutil.NoSuchProcess, OSError):
                sockets = sockets_of(process)
                self.samples.append(
                    Sample(
                        time.monotonic(),
                        process.pid,
                        name,
                        time.time() - process.create_time(),
                        process.memory_info().rss / 1e6,
                        process.num_fds() - sockets,
                        sockets,
                    )
                )

    def line(self) -> str:
        """Memory and descriptors now."""
        latest = {each.pid: each for each in self.samples[-4:]}.values()
        told = [
            f"{each.name} {each.rss:.1f} MB {each.files}+{each.connections} fds" for each in latest
        ]
        return " · ".join([*told, f"{self.site.postgres.connections()} database connections"])


def is_busy(each: Outcome) -> bool:
    """A create that is sent again while its first time is not over yet."""
    return each.again and each.answer == 409 and each.retry_after


def is_refused_or_busy(each: Outcome) -> bool:
    """Or a 503 of /health, which has no Retry-After."""
    return each.refused_honestly or is_busy(each) or (each.kind, each.answer) == ("health", 503)


def is_explained(each: Outcome, window: Window) -> bool:
    """Whether it was under way during the fault, and failed as the fault makes it."""
    return each.ended >= window.since and each.started <= window.until and window.explains(each)


def sockets_of(process: psutil.Process) -> int:
    """How many it holds, those whose peer has gone among them: net_connections omits these."""
    count = 0
    for each in Path(f"/proc/{process.pid}/fd").iterdir():
        with suppress(OSError):
            count += str(each.readlink()).startswith("socket:")
    return count


def growth(first: Iterable[float], last: Iterable[float]) -> float:
    """Of the median, as a share."""
    return median(last) / median(first) - 1


def flaws(soak: Soak, since: float, until: float) -> list[str]:
    """What is wrong with what was seen in that time."""
    found = []
    soak.judge()
    users = set().union(*(soak.site.postgres.users(load.run) for load in soak.loads))
    missing = soak.acknowledged - users
    found += [f"{len(missing)} acknowledged writes are lost"] if missing else []
    found += [f"{soak.doubled} writes were done twice"] if soak.doubled else []
    found += [f"{soak.site.halves()} creates are there by half"] if soak.site.halves() else []
    if soak.unexplained:
        found.append(f"failures no fault explains: {Outcomes(soak.unexplained).how()}")
    found += [f"{soak.broken_lines} log lines are broken"] if soak.broken_lines else []
    fifth = (until - since) / 5
    for name in ("arbiter", "lasting"):
        seen = [each for each in soak.samples if each.name == name]
        first = [each for each in seen if since <= each.at < since + fifth]
        last = [each for each in seen if until - fifth <= each.at]
        share = growth([each.rss for each in first], [each.rss for each in last])
        print(f"{name}: RSS {share:+.1%}")
        found += [f"{name}: memory grew by {share:.1%}"] if share >= GROWTH else []
        # Medians: connections that come and go between two looks are counted as files for once.
        before, after = (median(each.files for each in part) for part in (first, last))
        found += [f"{name}: {before:g} file descriptors became {after:g}"] if after > before else []
        held = median(each.connections for each in last)
        found += [f"{name}: {held:g} connections"] if held > MOST_CONNECTIONS else []
    grown_up = {
        each.pid: each for each in soak.samples if each.name == "worker" and each.age >= GROWN_UP
    }
    third = max(1, len(grown_up) // 3)
    sizes = [each.rss for each in grown_up.values()]
    share = growth(sizes[:third], sizes[-third:])
    print(f"workers, {len(sizes)} of them: RSS {share:+.1%} from the first to the last")
    found += [f"workers: each generation takes more, {share:.1%} in all"] if share >= GROWTH else []
    return found


def run(soak: Soak, minutes: int) -> list[str]:
    """The faults, a line for each; what is wrong."""
    over = threading.Event()

    def look() -> None:
        while not over.wait(SAMPLE):
            soak.sample()

    for name, fault in soak.faults().items():
        fault()
        pause(WARM_UP_REST)
        print(f"warm-up: {name}", flush=True)
    soak.judge()
    watching = threading.Thread(target=look)
    watching.start()
    since = time.monotonic()
    try:
        for minute in range(1, minutes + 1):
            name, fault = soak.chosen.choice(list(soak.faults().items()))
            fault()
            pause(max(0.0, since + 60 * minute - time.monotonic()))
            requests, explained, unexplained = soak.judge()
            print(
                f"{minute:3} {name:28} {requests:7,} requests, failed {explained} by the fault, "
                f"{unexplained} otherwise · {soak.line()}",
                flush=True,
            )
    finally:
        over.set()
        watching.join(30)
    until = time.monotonic()
    for load in soak.loads:
        load.process.terminate()
        load.process.wait(60)
    for server in (soak.workers, soak.lasting):
        soak.read(server.log)
    return flaws(soak, since, until)


def main() -> int:
    """The exit code: 1 if anything is wrong."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults.soak", description=__doc__)
    parser.add_argument("--minutes", type=int, default=30)
    parser.add_argument("--seed", type=int, default=random.randrange(10**6), help="of the faults")
    arguments = parser.parse_args()
    folder = Path(tempfile.mkdtemp(prefix="soak-"))
    print(f"seed {arguments.seed}", flush=True)
    with ExitStack() as stack:
        stack.callback(shutil.rmtree, folder, ignore_errors=True)
        site = stack.enter_context(scene(folder))
        workers = stack.enter_context(site.server())
        lasting = stack.enter_context(site.server(SINGLE))
        loads = [
            stack.enter_context(site.load(server, pause=0.1, clients=clients, health=True))
            for server, clients in ((workers, 16), (lasting, 8))
        ]
        soak = Soak(site, workers, lasting, loads, random.Random(arguments.seed))
        found = run(soak, arguments.minutes)
        print(
            f"{soak.requests:,} requests, {len(soak.acknowledged):,} writes acknowledged, "
            f"{soak.explained} failed by a fault, {soak.closed} idle connections closed, "
            f"{soak.tracebacks} exceptions logged"
        )
    print("\n".join(found) if found else "nothing lost, nothing leaked, nothing unexplained")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
