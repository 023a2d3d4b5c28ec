"""What the tests of sources share: writers in processes of their own, and what a follower gave."""

import subprocess
import sys
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import msgspec

from console.logs.follower import Follower
from console.logs.sources.block import Block
from console.targets import Command
from tests.support import wait_until

WRITER = Path(__file__).with_name("writer.py")


class Line(msgspec.Struct):
    """A line of writer.py."""

    timestamp: float
    event: str
    n: int


LINES = msgspec.json.Decoder(Line)


def times(data: bytes) -> Sequence[float | None]:
    """The times of the lines of writer.py; a line of anything else has none."""
    return [_time(line) for line in data.split(b"\n")[:-1]]


def _time(line: bytes) -> float | None:
    try:
        return LINES.decode(line).timestamp
    except msgspec.DecodeError:
        return None


def texts(blocks: Sequence[Block]) -> list[bytes]:
    """The lines of all blocks."""
    return [line.raw for block in blocks for line in block.lines()]


class Clock:
    """Time that passes when the test says so."""

    def __init__(self) -> None:
        self.now = 0.0

    def __call__(self) -> float:
        return self.now


class Writer:
    """A running writer.py."""

    def __init__(self, path: Path, rate: float, mode: str = "append") -> None:
        self._process = subprocess.Popen(
            [sys.executable, WRITER, str(path), str(rate), mode],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        )
        wait_until(path.exists, "the writer's file")

    def stop(self) -> int:
        """End it; how many lines it wrote."""
        return int(self._process.communicate(timeout=10)[0])


class Reading:
    """A follower and everything it has given."""

    def __init__(self, follower: Follower) -> None:
        self.follower = follower
        self.blocks: list[Block] = []
        self.numbers: defaultdict[str, list[int]] = defaultdict(list)
        self.times: list[float] = []

    def take(self) -> Counter[str]:
        """Fetch what is there; how many lines each writer's file has had."""
        for block in self.follower.take(1_000_000):
            self.blocks.append(block)
            for line in LINES.decode_lines(block.data):
                self.numbers[line.event].append(line.n)
                self.times.append(line.timestamp)
        return Counter({name: len(numbers) for name, numbers in self.numbers.items()})


@contextmanager
def reading(*entries: Path | Command, **options: Any) -> Iterator[Reading]:
    """A follower of the entries, started."""
    follower = Follower(entries, **options)
    follower.start()
    try:
        yield Reading(follower)
    finally:
        follower.stop()
