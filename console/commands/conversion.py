"""Lines of any format as JSON of fixed names, in a file that DuckDB reads."""

from collections.abc import Iterable, Iterator, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

import msgspec

from console.commands.chosen import Chooser
from console.commands.contract import COLUMNS
from console.commands.crew import Crew
from console.commands.files import FileInput, Input
from console.commands.in_order import InOrder
from console.logs.files.jobs import Job
from console.logs.records.rows import UNDECODABLE
from console.logs.records.wanted import Columns

__all__ = ["ConvertWork", "convert"]

# DuckDB reads no larger object than 16 MiB, and a byte may take six in JSON: of a line longer than
# this the beginning is kept, and so many characters of each of its texts.
_RAW = 1024 * 1024
_TEXT = 128 * 1024


class ConvertWork:
    """Converts the lines that match `text`."""

    def __init__(self, text: str, source: str) -> None:
        self._choose = Chooser(text)
        self._source = source
        self._columns = Columns(COLUMNS)
        self._found: list[bytes] = []

    def add(self, block: bytes, offset: int) -> None:  # noqa: ARG002 - as Work has it
        """Take in a block of whole lines."""
        lines, _ = self._choose(block)
        if lines:
            self._found.append(self._converted(lines))

    def take(self) -> bytes:
        """Return them, a JSON object a line."""
        found, self._found = self._found, []
        return b"".join(found)

    def _converted(self, lines: Sequence[bytes]) -> bytes:
        sources = [self._source] * len(lines)
        columns = self._columns.of_lines(lines)
        if max(map(len, lines)) > _RAW:
            columns = [list(map(_cut, column)) for column in columns]
        rows = list(map(_Row, *columns, sources, _raws(lines)))
        try:
            return _encoder.encode_lines(rows)
        except (msgspec.MsgspecError, UnicodeEncodeError):
            # A half of a surrogate pair can be read, but not written.
            return _encoder.encode_lines(map(_writable, rows))


def convert(inputs: Iterable[Input], text: str, crew: Crew, path: Path) -> None:
    """Write the lines that match a filter without limits of time, "" for all, to a new file.

    Raises OSError, as when the disk is full.
    """
    with path.open("xb") as file:
        for source in inputs:
            for data in _states(source, text, crew):
                file.write(data)


def _states(source: Input, text: str, crew: Crew) -> Iterator[bytes]:
    if isinstance(source, FileInput) and source.large:
        job = Job(f"{__name__}:ConvertWork", {"text": text, "source": source.name})
        workers = crew.workers()
        with InOrder(source.log, source.start, source.stop, job, workers) as states:
            yield from states
            source.problem = source.problem or states.problem
        return
    work = ConvertWork(text, source.name)
    for block in source.blocks():
        work.add(block.data, 0)
        yield work.take()


# What a line does not have takes no room.
_DEFAULTS: dict[str, Any] = dict.fromkeys(COLUMNS, "") | {
    "time": None,
    "status": None,
    "duration_ms": None,
    "source": "",
    "raw": None,
}
_Row = msgspec.defstruct(
    "Row", [(name, Any, default) for name, default in _DEFAULTS.items()], omit_defaults=True
)
_encoder = msgspec.json.Encoder()
_skim = msgspec.json.Decoder(msgspec.defstruct("Object", [], gc=False)).decode


def _cut(value: Any) -> Any:
    return value[:_TEXT] if isinstance(value, str) else value


def _raws(lines: Sequence[bytes]) -> list[msgspec.Raw | str]:
    try:
        list(map(_skim, lines))
        b"".join(lines).decode()
    except UNDECODABLE:
        return list(map(_raw, lines))
    return list(map(_raw if max(map(len, lines)) > _RAW else msgspec.Raw, lines))


def _raw(line: bytes) -> msgspec.Raw | str:
    """Return an object as it is, anything else as text."""
    if len(line) <= _RAW:
        with suppress(*UNDECODABLE):
            _skim(line)
            line.decode()
            return msgspec.Raw(line)
    return line[:_RAW].decode("utf-8", "backslashreplace")


def _writable(row: Any) -> Any:
    for name in _DEFAULTS:
        value = getattr(row, name)
        if isinstance(value, str):
            setattr(row, name, value.encode("utf-8", "backslashreplace").decode())
    return row
