"""When it all happened, how fast, and the bars of a histogram."""

from datetime import datetime

import msgspec

from console.logs.statistics.moments import moment
from console.logs.statistics.timeline import Bin, Timeline

__all__ = ["Bar", "Histogram", "Timespan", "timespan_of"]

# What people expect a bar to stand for; beyond days, any number of them will do.
_NICE = tuple(
    count * unit
    for unit, counts in (
        (1, (1, 2, 5, 10, 15, 30)),
        (60, (1, 2, 5, 10, 15, 30)),
        (3600, (1, 2, 3, 6, 12)),
        (86_400, (1, 2, 5, 10, 30, 100)),
    )
    for count in counts
)


class Timespan(msgspec.Struct, frozen=True, kw_only=True):
    """From the first to the last line, to the second.

    Lines that stand `outside` are so few and so far away that their clocks must be wrong; the rates
    leave them out, and `undated` ones too. `busiest` is the stretch of `busiest_seconds` with the
    most requests, on average `peak_per_second`.
    """

    first: datetime | None = None
    last: datetime | None = None
    seconds: int = 0
    undated: int = 0
    outside: int = 0
    requests_per_second: float = 0.0
    busiest: datetime | None = None
    busiest_seconds: int = 1
    peak_per_second: float = 0.0


class Bar(msgspec.Struct, frozen=True, kw_only=True):
    """The lines of each level ("" without one), and the requests, from `at` on."""

    at: datetime | None
    lines: int
    levels: dict[str, int]
    requests: int
    failed: int


class Histogram(msgspec.Struct, frozen=True):
    """Bars of `seconds` each, none left out."""

    seconds: int
    bars: list[Bar]


def timespan_of(timeline: Timeline, bars: int) -> tuple[Timespan, Histogram]:
    """Return when the lines were written, and at most `bars` bars of a histogram of them."""
    if timeline.first is None or timeline.last is None:
        return Timespan(undated=timeline.undated), Histogram(timeline.width, [])
    low, high, outside = timeline.window()
    first = max(timeline.first, low * timeline.width)
    last = min(timeline.last, (high + 1) * timeline.width - 1)
    seconds = last - first + 1
    inside = [timeline.bin(number) for number in timeline.bins if low <= number <= high]
    busiest = max(inside, key=lambda each: (each.requests, -each.at))
    timespan = Timespan(
        first=moment(first),
        last=moment(last),
        seconds=seconds,
        undated=timeline.undated,
        outside=outside,
        requests_per_second=sum(each.requests for each in inside) / seconds,
        busiest=moment(busiest.at) if busiest.requests else None,
        # A log may be shorter than the bin it lies in.
        busiest_seconds=min(timeline.width, seconds),
        peak_per_second=busiest.requests / min(timeline.width, seconds),
    )
    width = _width(timeline.width, first, last, bars)
    return timespan, Histogram(width, [_bar(each) for each in timeline.between(first, last, width)])


def _width(least: int, first: int, last: int, bars: int) -> int:
    for width in _NICE:
        if width % least == 0 and last // width - first // width < bars:
            return width
    return least * -(-(last - first + 1) // (least * max(bars - 1, 1)))


def _bar(each: Bin) -> Bar:
    return Bar(
        at=moment(each.at),
        lines=each.lines,
        levels=each.levels,
        requests=each.requests,
        failed=each.failed,
    )
