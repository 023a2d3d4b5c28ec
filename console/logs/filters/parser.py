"""A filter, from the text that one types."""

import re
import time
from collections.abc import Collection
from dataclasses import dataclass

from console.logs.filters.errors import FilterError
from console.logs.filters.expression import And, Comparison, Expression, all_of
from console.logs.filters.formatter import to_text
from console.logs.filters.grammar import Grammar

__all__ = ["LENGTH", "Filter", "FilterError", "parse", "reread"]

LENGTH = 4_000
"""Characters of the longest filter that is typed."""
# Written out, one that is not seen becomes six, and `1d` a date.
_WRITTEN = 16 * LENGTH

_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Filter:
    """A filter as typed and as meant; `since` and `until` in seconds since the epoch.

    The time limits that all lines must meet are not in `expression`: they say which part of a
    log is looked at, from the first line of `since` to before the first one of `until`. A line
    without a time is in that part when the lines around it are.
    """

    text: str
    expression: Expression
    since: float | None = None
    until: float | None = None

    @property
    def whole(self) -> Expression:
        """The expression with the limits in it, as comparisons that each line must meet."""
        parts = [self.expression]
        if self.since is not None:
            parts.append(Comparison("time", ">=", (self.since,)))
        if self.until is not None:
            parts.append(Comparison("time", "<", (self.until,)))
        return all_of(parts)

    def __str__(self) -> str:
        """The filter in its canonical form, which means the same whenever it is read."""
        return to_text(self.whole)


def parse(text: str, now: float | None = None, *, seen: Collection[str] = ()) -> Filter:
    """Understand a filter; raise FilterError for one that means nothing.

    `now` is what `10m` counts back from, in seconds since the epoch. `seen` are names of fields
    that are known to be in the log, and therefore no typing errors.
    """
    return _read(text, LENGTH, time.time() if now is None else now, seen)


def reread(text: str) -> Filter:
    """Understand what `to_text` has made of a filter, which may be longer than that was typed."""
    return _read(text, _WRITTEN, time.time(), ())


def _read(text: str, limit: int, now: float, seen: Collection[str]) -> Filter:
    if len(text) > limit:
        raise FilterError(f"a filter has at most {limit} characters", limit, len(text) - limit)
    if half := _SURROGATE.search(text):
        raise FilterError("this is no character", half.start())
    found = Grammar(text, now, seen).read()
    since: list[float] = []
    until: list[float] = []
    rest: list[Expression] = []
    for part in found.parts if isinstance(found, And) else (found,):
        match part:
            case Comparison("time", ">=", (float(at),)):
                since.append(at)
            case Comparison("time", "<", (float(at),)):
                until.append(at)
            case _:
                rest.append(part)
    return Filter(text, all_of(rest), max(since, default=None), min(until, default=None))
