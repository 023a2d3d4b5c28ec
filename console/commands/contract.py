"""Whether a file can be read as JSON of the contract by a program that knows nothing else, and
which of its lines cannot."""

import re
import threading
from collections.abc import Iterator, Sequence
from typing import Any

import msgspec

from console.commands.crew import Crew
from console.commands.files import FileInput
from console.logs.files.blocks import blocks
from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.records import LEVELS, Record, decode_line, fields_of, value_of
from console.logs.records.aliases import ALIASES
from console.logs.records.levels import level
from console.logs.records.lines import lines_of
from console.logs.sources.block import Block

__all__ = ["COLUMNS", "LEVEL_NAMES", "StrayWork", "Strays", "strays"]

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

# Four times as fast as to count newlines and those between braces.
_NO_OBJECT = re.compile(rb"\n(?:[^{]|(?<!}\n))")
_SAMPLES = 32
_SAMPLE = 16 * 1024
# A line that is nearly as long as this is more than DuckDB takes for one object.
_LONG_BLOCK = 4 * 1024 * 1024
# Where more lines are no objects, the file is not one of the contract.
_STRAYS = 1_000
_STRAY_BYTES = 1024 * 1024


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


class StrayWork:
    """Gathers lines that cannot be an object; None stands for too many, or too long ones."""

    def __init__(self) -> None:
        self._found: list[bytes] | None = []

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - as Work has it
        """Take in a block of whole lines."""
        if self._found is None:
            return
        whole = block.startswith(b"{") and block.endswith(b"}\n") and not _NO_OBJECT.search(block)
        if len(block) > _LONG_BLOCK:
            self._found = None
        elif not whole or not _is_utf8(block):
            self._found += filter(_is_stray, lines_of(block))
            if _too_many(self._found):
                self._found = None

    def take(self) -> bytes:
        """Return them; `decode_strays` reads it."""
        found, self._found = self._found, []
        return msgspec.msgpack.encode(found)


decode_strays = msgspec.msgpack.Decoder(list[bytes] | None).decode


def strays(source: FileInput, crew: Crew) -> Strays | None:
    """Return the lines that cannot be objects, if all others are of the contract.

    By samples, these have the contract's names only. None if it is not so.
    """
    if not _of_contract(source):
        return None
    if not source.large:
        work = StrayWork()
        for block in source.blocks():
            work.add(block.data, 0)
        lines = decode_strays(work.take())
    else:
        lines = _strays_of_large(source, crew)
    return None if lines is None else Strays(source.name, lines)


def _strays_of_large(source: FileInput, crew: Crew) -> list[bytes] | None:
    every: list[bytes] = []
    others = threading.Event()
    part = Part(source.log, source.start, source.stop)

    def merge(state: bytes) -> None:
        lines = decode_strays(state)
        every.extend(lines or ())
        if lines is None or _too_many(every):
            others.set()

    with Fold([part], crew.workers(), Job(f"{__name__}:StrayWork"), merge) as fold:
        while not fold.wait(0.01) and not others.is_set():
            pass
        return None if others.is_set() or fold.problem else every


def _too_many(lines: Sequence[bytes]) -> bool:
    return len(lines) > _STRAYS or sum(map(len, lines)) > _STRAY_BYTES


def _is_stray(line: bytes) -> bool:
    return not (line.startswith(b"{") and line.endswith((b"}\n", b"}")) and _is_utf8(line))


def _of_contract(source: FileInput) -> bool:
    size = source.stop - source.start
    step = max(size // _SAMPLES, _SAMPLE)
    for start in range(source.start, source.stop, step):
        stop = min(start + _SAMPLE, source.stop)
        for _, block in blocks(source.log.descriptor, start, stop, source.log.end):
            # What stands behind the last newline may not be finished yet.
            lines = [line for line in lines_of(block)[:-1] if not _is_stray(line)]
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


def _is_utf8(block: bytes) -> bool:
    if block.isascii():
        return True
    try:
        block.decode()
    except UnicodeDecodeError:
        return False
    return True
