"""What a run is to measure, on which logs, with which programs."""

import os
import re
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from benchmarks.logs import data
from benchmarks.logs.figures import OURS, Results
from benchmarks.logs.terminal import Terminal
from benchmarks.logs.viewers import Viewer

ERRORS, SLOW, NOTHING = "level>=error", "status>=500 duration_ms>250", '"no such words"'
"""The filters."""

_BLOCK = 1 << 22
_BEGUN = time.perf_counter()
_FAILED = re.compile(rb'"status":5\d\d,"duration_ms":([\d.]+)')


@dataclass(frozen=True)
class Log:
    """A generated log. What a measurement appends to it is taken away again. `matching`: how many
    lines match a filter, counted by their bytes."""

    title: str
    path: Path
    size: int
    lines: int
    matching: dict[str, int]

    @contextmanager
    def restored(self) -> Iterator[None]:
        """Bring it back to what was generated, afterwards."""
        try:
            yield
        finally:
            os.truncate(self.path, self.size)

    def append(self, *lines: bytes) -> None:
        """Write at the end, at once."""
        with self.path.open("ab", buffering=0) as file:
            file.write(b"".join(lines))


@dataclass(frozen=True)
class Plan:
    """`seconds`: of following at one of `rates`, lines a second; `limit`: seconds a viewer is
    waited for; `slow`: what took so many is measured once, not every round."""

    small: Log
    large: Log
    viewers: Sequence[Viewer]
    results: Results
    rounds: int = 3
    peers: bool = True
    rates: Sequence[int] = (1_000, 10_000, 50_000)
    seconds: float = 10.0
    limit: float = 45.0
    slow: float = 5.0

    def rotate(self, measure: Callable[[Viewer, int], float]) -> None:
        """Measure each viewer in each round, by turns: what disturbs the machine disturbs all.
        `measure` gets the round from 0 and returns what it took."""
        slow: set[str] = set()
        for number in range(self.rounds):
            for viewer in self.viewers:
                if viewer.name not in slow and measure(viewer, number) > self.slow:
                    slow.add(viewer.name)

    def named(self, name: str) -> Viewer | None:
        """A viewer, when it is here and asked for."""
        return next((each for each in self.viewers if each.name == name), None)


@contextmanager
def opened(viewer: Viewer, log: Log) -> Iterator[Terminal]:
    """The log in the viewer, whose home is new each time: some remember where they were."""
    with TemporaryDirectory(prefix="logs-home-") as name:
        home = Path(name)
        for path, text in viewer.home.items():
            (home / path).parent.mkdir(parents=True, exist_ok=True)
            (home / path).write_bytes(text)
        variables = {"HOME": name, "XDG_CONFIG_HOME": f"{name}/.config", **viewer.variables}
        command = [*viewer.command, str(log.path)]
        with Terminal(command, folder=home, variables=variables) as terminal:
            yield terminal


def prepare(folder: Path, title: str, megabytes: float) -> Log:
    """The log of that size, written unless it is there, and read once: no figure is to be that of
    a cold disk."""
    path = folder / f"{title.replace(' ', '-')}.jsonl"
    size = int(megabytes * 1e6)
    if not path.exists() or not size - data.LONGEST <= path.stat().st_size <= size:
        tell(f"writing {path}")
        with path.open("wb") as file:
            data.write(file, size)
    count, matching, rest = 0, dict.fromkeys((ERRORS, SLOW), 0), b""
    with path.open("rb", buffering=0) as file:
        while block := file.read(_BLOCK):
            whole, newline, rest = (rest + block).rpartition(b"\n")
            count += whole.count(b"\n") + len(newline)
            matching[ERRORS] += whole.count(b'"level":"ERROR"')
            matching[SLOW] += sum(float(each) > 250 for each in _FAILED.findall(whole))
    return Log(title, path, path.stat().st_size, count, matching)


def tell(text: str) -> None:
    """Say what is going on, where it is not in the way of the report."""
    print(f"{time.perf_counter() - _BEGUN:6.0f} s  {text}", file=sys.stderr, flush=True)


def is_ours(viewer: Viewer) -> bool:
    """Whether it is the console."""
    return viewer.name == OURS
