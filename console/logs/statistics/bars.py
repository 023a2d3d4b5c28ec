"""A histogram of lines over time, drawn with blocks: one row for all of them, one a level."""

from collections.abc import Iterator, Sequence

from console.figures import count, length, moment
from console.logs.statistics.timespan import Bar, Histogram

__all__ = ["LABEL", "TOP", "axis", "bars", "drawn_bars", "series"]

_BLOCKS = "▁▂▃▄▅▆▇█"
LABEL, TOP = 10, 12
"""Columns of the name before a row of bars, and of its scale behind them."""


def bars(histogram: Histogram, width: int) -> Iterator[str]:
    """Yield rows of at most `width` columns; none for a log without times."""
    every = histogram.bars
    room = width - LABEL - TOP
    if len(every) < 2 or room < 2:
        return
    # More bars than columns: so many together make one.
    together = -(-len(every) // room)
    rows = series(every)
    for name, values in rows.items():
        sums = [sum(values[i : i + together]) for i in range(0, len(values), together)]
        yield f"{name:<{LABEL}}{drawn_bars(sums)}  ≤ {count(max(sums))}"
    yield f"{'':<{LABEL}}{axis(histogram, together)}"[:width]


def axis(histogram: Histogram, together: int = 1) -> str:
    """Return what stands below a row in which each block is `together` of the bars: the times of
    the first and of the last bar, and how long a block is."""
    every = histogram.bars
    days = histogram.seconds * len(every) > 86_400
    first, last = (moment(bar.at, date=days) for bar in (every[0], every[-1]))
    gap = max(-(-len(every) // together) - len(first), len(last) + 1)
    return f"{first}{last:>{gap}}  a bar is {length(histogram.seconds * together)}"


def series(every: Sequence[Bar]) -> dict[str, list[int]]:
    """Return what is counted in each bar: all lines, those of the levels from warning on that there
    are, and failed requests where these are not the lines of level error."""
    rows = {"lines": [bar.lines for bar in every]}
    for level in ("warning", "error", "critical"):
        if any(level in bar.levels for bar in every):
            rows[level] = [bar.levels.get(level, 0) for bar in every]
    failed = [bar.failed for bar in every]
    if any(failed) and failed != rows.get("error"):
        rows["failed"] = failed
    return rows


def drawn_bars(values: Sequence[int]) -> str:
    """Return a block for each value, the highest for the largest; a blank is nothing at all."""
    top = max(values, default=0) or 1
    return "".join(_BLOCKS[-(-value * 8 // top) - 1] if value else " " for value in values)
