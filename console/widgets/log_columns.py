"""How a record is laid out in columns on a given width."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from rich.cells import set_cell_size
from rich.segment import Segment
from rich.style import Style

from console.logs.records import Record
from console.text import visible
from console.widgets.figures import clock, milliseconds, size
from console.widgets.ink import Ink

__all__ = ["Columns"]

_LEVEL_INKS: dict[str, Ink] = {
    "debug": "dim",
    "info": "accent",
    "warning": "warn",
    "error": "bad",
    "critical": "bad",
}
_LEVEL, _STATUS, _DURATION, _METHOD = 8, 6, 9, 6


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the columns; a column of width 0 is not shown."""

    time: int
    request_id: int
    message: int

    @classmethod
    def fit(cls, width: int) -> "Columns":
        """Choose the columns for `width` cells: the narrower, the fewer details."""
        time = 12 if width >= 100 else 8
        request_id = 36 if width >= 170 else 12 if width >= 100 else 0
        fixed = time + 2 + _LEVEL + 1 + _STATUS + 1 + _DURATION + 2
        if request_id:
            fixed += request_id + 2
        return cls(time, request_id, max(width - fixed, 8))

    def heading(self) -> str:
        """Return the names of the columns."""
        text = f"{'TIME':<{self.time}}  {'LEVEL':<{_LEVEL}} {'STATUS':<{_STATUS}} {'DURATION':>9}  "
        text += f"{'REQUEST OR EVENT':<{self.message}}"
        return f"{text}  REQUEST ID" if self.request_id else text

    def draw(self, record: Record, ink: Callable[[Ink], Style]) -> Iterator[Segment]:
        """Return the record's segments, exactly as wide as the heading."""
        yield Segment(f"{clock(record.at, fraction=self.time > 8):<{self.time}}  ", ink("dim"))
        yield Segment(f"{record.level:<{_LEVEL}} ", ink(_LEVEL_INKS.get(record.level, "plain")))
        status = "" if record.status is None else str(record.status)[:_STATUS]
        yield Segment(f"{status:<{_STATUS}} ", ink(_status_ink(record.status)))
        duration = "" if record.duration is None else milliseconds(record.duration)[:_DURATION]
        yield Segment(f"{duration:>{_DURATION}}  ")
        yield from self._message(record, ink)
        if self.request_id:
            shown = visible(record.request_id, self.request_id)
            yield Segment(f"  {set_cell_size(shown, self.request_id)}", ink("dim"))

    def _message(self, record: Record, ink: Callable[[Ink], Style]) -> Iterator[Segment]:
        parts: list[tuple[str, Style]] = []
        if record.size > len(record.raw) + 1:
            parts.append((f"[{size(record.size)} line, cut] ", ink("warn")))
        limit = self.message + 1
        if record.path:
            parts.append((f"{visible(record.method, _METHOD):<{_METHOD}} ", ink("plain")))
            parts.append((visible(record.path, limit), ink("plain")))
        if record.event and not (record.path and record.event == "request"):
            gap = "  " if record.path else ""
            plain: Ink = "plain" if record.structured else "dim"
            parts.append((gap + visible(record.event, limit), ink(plain)))
        if record.failure:
            parts.append(("  " + visible(record.failure, limit), ink("bad")))
        room = self.message
        for text, style in parts:
            segment = Segment(text, style)
            if segment.cell_length > room:
                yield Segment(set_cell_size(text, max(room - 1, 0)) + "…" * (room > 0), style)
                return
            room -= segment.cell_length
            yield segment
        yield Segment(" " * room)


def _status_ink(status: int | None) -> Ink:
    if status is None or status < 400:
        return "plain"
    return "bad" if status >= 500 else "warn"
