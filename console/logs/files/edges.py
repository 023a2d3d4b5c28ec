"""Where lines begin and end around any offset, and the lines themselves; every read is bounded."""

from collections.abc import Sequence
from typing import NamedTuple

from console.lines import LINE_LIMIT, Line
from console.logs.files.log_file import LogFile

__all__ = [
    "PlacedLine",
    "line_at",
    "line_end",
    "line_start",
    "lines_at",
    "lines_from",
    "starts_before",
]

_SMALL_STEP = 16 * 1024
_STEP = 64 * 1024
_LARGE_STEP = 1024 * 1024
# A line longer than this is taken for several: looking for its end would never end.
_LONGEST = 256 * 1024 * 1024
# For more than one line, so many bytes are looked at, and kept, at most.
_LOOKED_AT = 64 * 1024 * 1024
_KEPT = 8 * 1024 * 1024


class PlacedLine(NamedTuple):
    """A line, the offset it begins at, and the offset behind its newline."""

    start: int
    line: Line
    end: int


def line_start(log: LogFile, offset: int) -> int:
    """Return the offset of the line that holds the byte at `offset`. Raises OSError."""
    if offset <= 0:
        return 0
    upper = min(offset, log.end)
    floor = max(upper - _LONGEST, 0)
    step = _STEP
    while upper > floor:
        lower = max(upper - step, floor)
        found = log.read(lower, upper - lower).rfind(b"\n")
        if found >= 0:
            return lower + found + 1
        upper, step = lower, _LARGE_STEP
    return floor


def line_end(log: LogFile, offset: int) -> int:
    """Return the offset behind the newline of the line that holds `offset`. Raises OSError."""
    lower, step = offset, 4096
    ceiling = min(offset + _LONGEST, log.end)
    while lower < ceiling:
        found = log.read(lower, min(step, ceiling - lower)).find(b"\n")
        if found >= 0:
            return lower + found + 1
        lower += step
        step = min(step * 4, _LARGE_STEP)
    return ceiling


def starts_before(log: LogFile, offset: int, count: int) -> list[int]:
    """Return the offsets of the `count` lines before the one that begins at `offset`, ascending.

    Fewer where the file begins, or where the lines are very long; but one, if there is one.
    Raises OSError.
    """
    found: list[int] = []
    floor, below, kept = offset - _LOOKED_AT, offset, 0
    while offset > 0 and len(found) < count and (offset > floor or not found):
        # The last byte above is the newline of the line that is looked for, if it has one.
        upper = offset - 1
        lower = max(upper - _STEP, 0)
        block = log.read(lower, upper - lower)
        at = block.rfind(b"\n")
        if at < 0:
            found.append(line_start(log, upper))
        while at >= 0 and len(found) < count:
            found.append(lower + at + 1)
            at = block.rfind(b"\n", 0, at)
        offset = found[-1]
    for at, start in enumerate(found):
        kept += min(below - start, LINE_LIMIT)
        below = start
        if kept > _KEPT:
            del found[at:]
            break
    found.reverse()
    return found


def lines_from(log: LogFile, start: int, count: int) -> list[PlacedLine]:
    """Return the `count` lines from the one that begins at `start`; fewer where the file ends, or
    when they are so long that together they would be too much.

    Of a line longer than LINE_LIMIT only the beginning is there. Raises OSError.
    """
    found: list[PlacedLine] = []
    kept = 0
    while start < log.end and len(found) < count and kept < _KEPT:
        block = log.read(start, min(_STEP, log.end - start))
        *whole, _ = block.split(b"\n", count - len(found))
        for raw in whole:
            end = start + len(raw) + 1
            found.append(PlacedLine(start, Line(raw, len(raw)), end))
            start = end
        if not whole:
            found.append(line_at(log, start))
            start = found[-1].end
        kept += min(len(block), LINE_LIMIT)
    return found


def line_at(log: LogFile, start: int) -> PlacedLine:
    """Return the line that begins at `start`, of a long one only LINE_LIMIT. Raises OSError."""
    end = line_end(log, start)
    raw = log.read(start, min(end - start, LINE_LIMIT + 1))
    size = end - start - (log.read(end - 1, 1) == b"\n")
    return PlacedLine(start, Line(raw[: min(size, LINE_LIMIT)], size), end)


def lines_at(log: LogFile, starts: Sequence[int]) -> list[PlacedLine]:
    """Return the lines that begin at `starts`, which ascend, as `line_at` does. Raises OSError."""
    found: list[PlacedLine] = []
    lower, block = 0, b""
    for start in starts:
        at = block.find(b"\n", start - lower) if start < lower + len(block) else -1
        if at < 0:
            lower, block = start, log.read(start, min(_SMALL_STEP, log.end - start))
            at = block.find(b"\n")
        if at < 0:
            found.append(line_at(log, start))
        else:
            raw = block[start - lower : at]
            found.append(PlacedLine(start, Line(raw, len(raw)), lower + at + 1))
    return found
