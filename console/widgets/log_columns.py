"""How a record is laid out in columns on a given width.

Needs no framework: the newest lines are drawn before that is imported.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from console.figures import clock, milliseconds, size
from console.logs.filters.words import text_of
from console.logs.records import Record, value_of
from console.text import fit, visible, width_of

if TYPE_CHECKING:
    from console.widgets.ink import Ink

__all__ = ["Columns"]

_LEVEL_INKS: dict[str, "Ink"] = {
    "debug": "dim",
    "info": "accent",
    "warning": "warn",
    "error": "bad",
    "critical": "bad",
}
_LEVEL, _STATUS, _DURATION, _METHOD = 8, 6, 9, 6
_CHOSEN = 16
# Below this, a message tells too little for another column beside it.
_LEAST_MESSAGE = 24

Part = tuple[str, "Ink"]


@dataclass(frozen=True, slots=True)
class Columns:
    """The widths of the columns; a column of width 0 is not shown. `extra` are fields, by their
    paths, that are shown before the message."""

    time: int
    request_id: int
    message: int
    extra: tuple[str, ...] = ()

    @classmethod
    def fit(cls, width: int, extra: Sequence[str] = ()) -> "Columns":
        """Choose the columns for `width` cells: the narrower, the fewer details, and of the fields
        that are `extra` only as many as there is room for."""
        time = 12 if width >= 100 else 8
        request_id = 36 if width >= 170 else 12 if width >= 100 else 0
        fixed = time + 2 + _LEVEL + 1 + _STATUS + 1 + _DURATION + 2
        if request_id:
            fixed += request_id + 2
        count = max(width - fixed - _LEAST_MESSAGE, 0) // (_CHOSEN + 2)
        shown = tuple(extra[:count])
        message = max(width - fixed - len(shown) * (_CHOSEN + 2), 8)
        return cls(time, request_id, message, shown)

    def heading(self) -> str:
        """Return the names of the columns."""
        text = f"{'TIME':<{self.time}}  {'LEVEL':<{_LEVEL}} {'STATUS':<{_STATUS}} {'DURATION':>9}  "
        for name in self.extra:
            text += f"{_fit(name.upper(), _CHOSEN)}  "
        text += f"{'REQUEST OR EVENT':<{self.message}}"
        return f"{text}  REQUEST ID" if self.request_id else text

    def draw(self, record: Record) -> Iterator[Part]:
        """Return the record's texts and their inks, together exactly as wide as the heading."""
        yield f"{clock(record.at, fraction=self.time > 8):<{self.time}}  ", "dim"
        yield f"{record.level:<{_LEVEL}} ", _LEVEL_INKS.get(record.level, "plain")
        status = "" if record.status is None else str(record.status)[:_STATUS]
        yield f"{status:<{_STATUS}} ", _status_ink(record.status)
        duration = "" if record.duration is None else milliseconds(record.duration)[:_DURATION]
        yield f"{duration:>{_DURATION}}  ", "plain"
        for name in self.extra:
            value = value_of(record, name)
            yield f"{_fit('' if value is None else text_of(value), _CHOSEN)}  ", "strong"
        yield from self._message(record)
        if self.request_id:
            yield f"  {_fit(record.request_id, self.request_id)}", "dim"

    def _message(self, record: Record) -> Iterator[Part]:
        parts: list[Part] = []
        if record.size > len(record.raw) + 1:
            parts.append((f"[{size(record.size)} line, cut] ", "warn"))
        limit = self.message + 1
        if record.path:
            parts.append((f"{visible(record.method, _METHOD):<{_METHOD}} ", "plain"))
            parts.append((visible(record.path, limit), "plain"))
        if record.event and not (record.path and record.event == "request"):
            gap = "  " if record.path else ""
            parts.append(
                (gap + visible(record.event, limit), "plain" if record.structured else "dim")
            )
        if record.failure:
            parts.append(("  " + visible(record.failure, limit), "bad"))
        room = self.message
        for text, ink in parts:
            width = width_of(text)
            if width > room:
                yield fit(text, room), ink
                return
            room -= width
            yield text, ink
        yield " " * room, "plain"


def _fit(text: str, width: int) -> str:
    # Most are plain, and those are measured at no cost.
    shown = visible(text, width + 2)[: width + 1]
    if not shown.isascii():
        return fit(text, width)
    return f"{shown:<{width}}" if len(shown) <= width else f"{shown[: width - 1]}…"


def _status_ink(status: int | None) -> "Ink":
    if status is None or status < 400:
        return "plain"
    return "bad" if status >= 500 else "warn"
