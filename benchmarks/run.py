"""One run: every server started, their answers compared, then each case measured on one server
after the other, round after round."""

import sys
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import msgspec

from benchmarks import answers, load, processes
from benchmarks.cases import Case, ServerName
from benchmarks.servers import SERVERS, Running, Server, running

_Running = AbstractContextManager[Running]
# Those that run in an installation of this service.
OURS: frozenset[ServerName] = frozenset({"here", "bare"})


class Different(Exception):  # noqa: N818 - what was found
    """The servers do not answer alike; `found`: one sentence each."""

    def __init__(self, found: Sequence[str]) -> None:
        super().__init__("\n".join(found))
        self.found = found


@dataclass(frozen=True)
class Plan:
    """What to measure, and for how long. `servers`: those to compare, `here` among them."""

    cases: Sequence[Case]
    servers: Sequence[ServerName]
    loader: load.LoaderName
    clients: int
    rounds: int
    seconds: float
    warm_up: float
    starts: int

    def clients_of(self, case: Case) -> int:
        """Connections at once."""
        return case.clients or self.clients

    def servers_of(self, case: Case) -> list[ServerName]:
        """Those that have the case."""
        return [name for name in self.servers if name in case.servers]


@dataclass(frozen=True)
class Scene:
    """Where: a prepared database, a token of an administrator in it, a folder for logs, the core
    for servers, how each is started, and the Python of this service's installation."""

    database: str
    token: str
    folder: Path
    core: int | None
    servers: Mapping[ServerName, Server] = field(default_factory=lambda: SERVERS)
    python: str = sys.executable

    def running(self, name: ServerName, folder: str, *, shipped: bool = False) -> _Running:
        """That server, started."""
        server = self.servers[name]
        command = (server.shipped if shipped else None) or server.command
        python = self.python if name in OURS else sys.executable
        return running(command, self.database, self.folder / folder, self.core, python=python)


class Sample(msgspec.Struct, frozen=True):
    """One measurement. `cpu_us`: microseconds of CPU a request took in the server's processes.
    `busy`: how much of one core they used, from 0 to 1."""

    round: int
    case: str
    server: ServerName
    result: load.Result
    cpu_us: float
    busy: float


class Measured(msgspec.Struct, frozen=True):
    """All of a run. `starts`: seconds from start to first answer. `memory`: after the load, of each
    process, the parent first."""

    samples: list[Sample]
    starts: dict[ServerName, list[float]]
    memory: dict[ServerName, list[processes.Memory]]


def tell(text: str) -> None:
    """How far it is: for whoever waits, so not on standard output."""
    print(text, file=sys.stderr, flush=True)


def measure(plan: Plan, scene: Scene) -> Measured:
    """Carries the plan out. Raises `Different`."""
    starts = _measure_starts(plan, scene)
    with ExitStack() as stack:
        up = {name: stack.enter_context(scene.running(name, name)) for name in plan.servers}
        _compare(plan, up, scene.token)
        tell("all servers answer alike")
        turns = [(case, name) for case in plan.cases for name in plan.servers_of(case)]
        for case, name in turns:
            asked = case.load(up[name].port, scene.token, plan.clients_of(case), plan.warm_up)
            load.by_python(asked)
        samples = []
        for number in range(1, plan.rounds + 1):
            for case, name in turns:
                asked = case.load(up[name].port, scene.token, plan.clients_of(case), plan.seconds)
                result, used = _measure(up[name], asked, plan.loader)
                cpu_us, busy = used / max(1, result.requests) * 1e6, used / result.seconds
                samples.append(Sample(number, case.name, name, result, cpu_us, busy))
                title = SERVERS[name].title
                rate = f"{result.rate:>9,.0f}/s"
                tell(f"round {number}/{plan.rounds}  {case.title:<18}{title:<24}{rate}")
        return Measured(samples, starts, {name: each.memory() for name, each in up.items()})


def _measure_starts(plan: Plan, scene: Scene) -> dict[ServerName, list[float]]:
    starts: dict[ServerName, list[float]] = {name: [] for name in plan.servers}
    for number in range(plan.starts):
        for name, found in starts.items():
            with scene.running(name, f"{name}-start-{number}", shipped=True) as started:
                found.append(started.start_seconds)
            tell(f"{SERVERS[name].title}: ready in {found[-1]:.2f} s")
    return starts


def _compare(plan: Plan, up: Mapping[ServerName, Running], token: str) -> None:
    found: list[str] = []
    for case in plan.cases:
        names = plan.servers_of(case)
        said = {name: answers.ask(up[name].port, case, token) for name in names}
        found += answers.differences(case, said)
    if found:
        raise Different(found)


def _measure(
    server: Running, asked: load.Load, loader: load.LoaderName
) -> tuple[load.Result, float]:
    before = server.cpu_seconds()
    result = load.measure(loader, asked)
    return result, server.cpu_seconds() - before
