"""A histogram of lines over time, drawn with blocks: one row for all of them, one a level."""

from collections.abc import Iterator, Sequence

from console.figures import count, length, moment
from console.logs.statistics.timespan import Histogram

__all__ = ["bars"]

_BLOCKS = "▁▂▃▄▅▆▇█"
_LABEL = 10
_TOP = 12


def bars(histogram: Histogram, width: int) -> Iterator[str]:
    """Yield rows of at most `width` columns; none for a log without times."""
    every = histogram.bars
    room = width - _LABEL - _TOP
    if len(every) < 2 or room < 2:
        return
    # More bars than columns: so many together make one.
    together = -(-len(every) // room)
    rows = {"lines": [bar.lines for bar in every]}
    for level in ("warning", "error", "critical"):
        if any(level in bar.levels for bar in every):
            rows[level] = [bar.levels.get(level, 0) for bar in every]
    failed = [bar.failed for bar in every]
    if any(failed) and failed != rows.get("error"):
        rows["failed"] = failed
    for name, values in rows.items():
        sums = [sum(values[i : i + together]) for i in range(0, len(values), together)]
        yield f"{name:<{_LABEL}}{_draw(sums)}  ≤ {count(max(sums))}"
    days = histogram.seconds * len(every) > 86_400
    drawn = -(-len(every) // together)
    first, last = (moment(bar.at, date=days) for bar in (every[0], every[-1]))
    axis = f"{first}{last:>{max(drawn - len(first), len(last) + 1)}}"
    yield f"{'':<{_LABEL}}{axis}  a bar is {length(histogram.seconds * together)}"[:width]


def _draw(values: Sequence[int]) -> str:
    top = max(values) or 1
    # Whatever is not nothing is seen.
    return "".join(_BLOCKS[-(-value * 8 // top) - 1] if value else " " for value in values)
