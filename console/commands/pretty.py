"""Lines in columns, as wide as the terminal and harmless to it."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from console.commands.rendering import SOURCE, Look
from console.figures import milliseconds
from console.lines import Line
from console.logs.filters.fields import canonical
from console.logs.filters.words import text_of
from console.logs.records import Record, decode, value_of
from console.text import fit, visible, width_of

__all__ = ["Pretty"]

_RESET = "\x1b[0m"
_DIM, _YELLOW, _RED, _BRIGHT_RED, _CYAN = (
    "\x1b[2m",
    "\x1b[33m",
    "\x1b[31m",
    "\x1b[1;31m",
    "\x1b[36m",
)
_LEVELS = {
    "debug": _DIM,
    "info": _CYAN,
    "warning": _YELLOW,
    "error": _RED,
    "critical": _BRIGHT_RED,
}
_WIDE, _WIDER = 100, 150
_SOURCE = 14
_FIELDS = {"time": 18, "level": 8, "status": 6, "duration_ms": 9, "method": 7, SOURCE: _SOURCE}
_LEAST = 8


class Pretty:
    """Draws a row for each line."""

    def __init__(self, look: Look) -> None:
        self._look = look
        self._fields = [(name, canonical(name)) for name in look.fields]
        self._wide = look.width >= _WIDE
        known = sum(_FIELDS.get(field, 0) + 2 for _, field in self._fields)
        others = sum(field not in _FIELDS for _, field in self._fields)
        self._share = max((look.width - known) // max(others, 1), _LEAST)

    def lines(self, lines: Sequence[bytes], source: str) -> bytes:
        """Return a row for each line."""
        records = [decode(Line(line, len(line))) for line in lines]
        return "".join([self._row(record, source) + "\n" for record in records]).encode()

    def beginning(self, line: bytes, size: int, source: str) -> bytes:
        """Return a row that tells how long the line really is."""
        return (self._row(decode(Line(line, size)), source) + "\n").encode()

    def _row(self, record: Record, source: str) -> str:
        room, row = self._look.width, ""
        parts = self._chosen(record, source) if self._fields else self._parts(record, source)
        for text, style in parts:
            width = width_of(text)
            if width > room:
                text, width = fit(text, room), room  # noqa: PLW2901
            row += f"{style}{text}{_RESET}" if style and self._look.colour else text
            room -= width
            if room <= 0:
                break
        return row.rstrip()

    def _parts(self, record: Record, source: str) -> Iterator[tuple[str, str]]:
        yield f"{_clock(record.at, short=not self._wide)}  ", _DIM
        yield f"{record.level:<8}  ", _LEVELS.get(record.level, "")
        if self._look.sources:
            yield f"{fit(source.rpartition('/')[2], _SOURCE)}  ", _DIM
        if self._wide:
            # Without an ellipsis: what is shown can be given to --request.
            length = 36 if self._look.width >= _WIDER else 12
            yield f"{visible(record.request_id[:length], length):<{length}}  ", _DIM
        yield f"{record.status or '':<3} ", _status(record.status)
        yield f"{_duration(record.duration):>9}  ", ""
        yield from self._message(record)

    def _message(self, record: Record) -> Iterator[tuple[str, str]]:
        limit = self._look.width + 1
        if record.size > len(record.raw) + 1:
            yield f"[{record.size:,} bytes, cut] ", _YELLOW
        if record.path:
            yield f"{visible(record.method, 7):<4} {visible(record.path, limit)}  ", ""
        if record.event and not (record.path and record.event == "request"):
            yield f"{visible(record.event, limit)}  ", "" if record.structured else _DIM
        if record.failure:
            yield visible(record.failure, limit), _RED

    def _chosen(self, record: Record, source: str) -> Iterator[tuple[str, str]]:
        for number, (_, field) in enumerate(self._fields, start=1):
            style = _LEVELS.get(record.level, "") if field == "level" else ""
            text = self._field(record, field, source)
            if number == len(self._fields):
                yield visible(text, self._look.width + 1), style
            else:
                yield fit(text, _FIELDS.get(field, self._share - 2)) + "  ", style

    def _field(self, record: Record, field: str, source: str) -> str:
        if field == SOURCE:
            return source.rpartition("/")[2]
        if field == "time":
            return _clock(record.at)
        if field == "duration_ms":
            return f"{_duration(record.duration):>9}"
        value = value_of(record, field)
        return "-" if value is None else text_of(value)


def _clock(at: float | None, *, short: bool = False) -> str:
    """Return a local time, `01-15 10:30:00.123` or `10:30:00`, or as many spaces."""
    try:
        local = None if at is None else datetime.fromtimestamp(round(at, 3))  # noqa: DTZ006
    except (ValueError, OverflowError, OSError):
        local = None
    if local is None:
        return " " * (8 if short else 18)
    if short:
        return f"{local:%H:%M:%S}"
    return f"{local:%m-%d %H:%M:%S}.{local.microsecond // 1000:03}"


def _duration(value: float | None) -> str:
    return "" if value is None else milliseconds(value)


def _status(status: int | None) -> str:
    if status is None or status < 400:
        return ""
    return _RED if status >= 500 else _YELLOW
