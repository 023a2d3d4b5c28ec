"""Whether a file can be read as JSON of the contract by a program that knows nothing else."""

import re
import threading
from typing import Any

from console.commands.crew import Crew
from console.commands.files import FileInput
from console.logs.files.blocks import blocks
from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.records import LEVELS, Record, decode_line, fields_of, value_of
from console.logs.records.aliases import ALIASES
from console.logs.records.levels import level

__all__ = ["COLUMNS", "LEVEL_NAMES", "PlainWork", "is_plain"]

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

# Four times as fast as to count newlines and those before a brace.
_NO_OBJECT = re.compile(rb"\n[^{]")
_SAMPLES = 32
_SAMPLE = 16 * 1024
# A line that is nearly as long as this is more than DuckDB takes for one object.
_LONG_BLOCK = 4 * 1024 * 1024


class PlainWork:
    """Looks for lines that cannot be an object, or are too long to be read as one."""

    def __init__(self) -> None:
        self._others = False

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - as Work has it
        """Take in a block of whole lines."""
        objects = block.startswith(b"{") and not _NO_OBJECT.search(block)
        if not objects or len(block) > _LONG_BLOCK or not _is_utf8(block):
            self._others = True

    def take(self) -> bytes:
        """Return something if there were such lines."""
        others, self._others = self._others, False
        return b"\n" if others else b""


def is_plain(source: FileInput, crew: Crew) -> bool:
    """Tell whether every line looks like an object, and samples have the contract's names only."""
    return _of_contract(source) and _without_others(source, crew)


def _of_contract(source: FileInput) -> bool:
    size = source.stop - source.start
    step = max(size // _SAMPLES, _SAMPLE)
    for start in range(source.start, source.stop, step):
        stop = min(start + _SAMPLE, source.stop)
        for _, block in blocks(source.log.descriptor, start, stop, source.log.end):
            # What stands behind the last newline may not be finished yet.
            if not all(_is_simple(decode_line(line)) for line in block.split(b"\n")[:-1]):
                return False
    return True


def _without_others(source: FileInput, crew: Crew) -> bool:
    if not source.large:
        work = PlainWork()
        for block in source.blocks():
            work.add(block.data, 0)
        return not work.take()
    others = threading.Event()
    part = Part(source.log, source.start, source.stop)

    def merge(state: bytes) -> None:
        if state:
            others.set()

    with Fold([part], crew.workers(), Job(f"{__name__}:PlainWork"), merge) as fold:
        while not fold.wait(0.01) and not others.is_set():
            pass
        return not (others.is_set() or fold.problem)


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
