"""Whether a file can be read as JSON of the contract by a program that knows nothing else, and
which of its lines cannot."""

from collections.abc import Iterator, Sequence
from typing import Any

from console.commands.crew import Crew
from console.commands.files import FileInput
from console.commands.stray_lines import (
    FUNCTION,
    StrayWork,
    decode_strays,
    is_stray,
    too_many,
)
from console.logs.files.blocks import blocks
from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.records import LEVELS, Record, decode_line, fields_of, value_of
from console.logs.records.aliases import ALIASES
from console.logs.records.levels import level
from console.logs.records.lines import lines_of
from console.logs.sources.block import Block

__all__ = ["COLUMNS", "LEVEL_NAMES", "Check", "Strays"]

COLUMNS = (
    "time",
    "level",
    "message",
    "request_id",
    "method",
    "path",
    "route",
    "status",
    "duration_ms",
    "user_id",
    "client",
)
"""The canonical fields that a line is known by in SQL."""

LEVEL_NAMES = {
    name: level(name) or name for name in (*LEVELS, "warn", "fatal", "err", "trace", "notice")
}
"""What is understood as a level there, in lower case, and which one it is."""

_SAMPLES = 32
_SAMPLE = 16 * 1024


class Strays:
    """Lines of a log that cannot be objects, to be read as an Input.

    `count` is how many there are, those of spaces not counted.
    """

    def __init__(self, name: str, lines: Sequence[bytes]) -> None:
        self.name = name
        self.problem = ""
        self.lines = lines
        self.count = sum(not line.isspace() for line in lines)

    def blocks(self) -> Iterator[Block]:
        """Give the lines."""
        data = b"".join(self.lines)
        yield Block(data, self.name, len(data), len(data))


class Check:
    """Looks for the lines of a file that cannot be objects."""

    def __init__(self, source: FileInput) -> None:
        self._source = source
        self._lines: list[bytes] = []
        self._others = not _of_contract(source)

    @property
    def promising(self) -> bool:
        """Whether it is a large file whose lines are of the contract, as far as samples tell."""
        return self._source.large and not self._others

    def result(self, crew: Crew) -> Strays | None:
        """Return the lines, if all others are of the contract.

        By samples, these have the contract's names only. None if it is not so.
        """
        if self.promising:
            part = Part(self._source.log, self._source.start, self._source.stop)
            with Fold([part], crew.workers(), Job(FUNCTION), self._merge) as fold:
                while not fold.wait(0.01) and not self._others:
                    pass
                self._others = self._others or bool(fold.problem)
        elif not self._others:
            work = StrayWork()
            for block in self._source.blocks():
                work.add(block.data, 0)
            self._merge(work.take())
        return None if self._others else Strays(self._source.name, self._lines)

    def _merge(self, state: bytes) -> None:
        lines = decode_strays(state)
        self._lines.extend(lines or ())
        if lines is None or too_many(self._lines):
            self._others = True


def _of_contract(source: FileInput) -> bool:
    size = source.stop - source.start
    step = max(size // _SAMPLES, _SAMPLE)
    for start in range(source.start, source.stop, step):
        stop = min(start + _SAMPLE, source.stop)
        for _, block in blocks(source.log.descriptor, start, stop, source.log.end):
            # What stands behind the last newline may not be finished yet.
            lines = [line for line in lines_of(block)[:-1] if not is_stray(line)]
            if not all(_is_simple(decode_line(line.removesuffix(b"\n"))) for line in lines):
                return False
    return True


def _is_simple(record: Record) -> bool:
    """Tell whether each field is under the first of its names, in its simplest form."""
    fields = fields_of(record)
    return record.structured and all(
        _is_told(name, value, fields.get(ALIASES[name][0].path))
        for name in COLUMNS
        if (value := value_of(record, name)) is not None
    )


def _is_told(name: str, value: Any, told: Any) -> bool:
    if name == "level":
        return isinstance(told, str) and LEVEL_NAMES.get(told.lower()) == value
    if name == "time":
        return isinstance(told, str) and "-" in told
    if name in {"status", "duration_ms"}:
        return isinstance(told, int | float) and told == value
    return isinstance(told, str | int)
