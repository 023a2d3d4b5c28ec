"""Lines over time: by the second, by the minute when that makes too many bins, and so on."""

import math
from collections.abc import Iterator, Sequence
from itertools import accumulate, groupby
from typing import NamedTuple

import msgspec

from console.logs.records import LEVELS

__all__ = ["BINS", "Bin", "Timeline", "mood"]

BINS = 7_200
"""How many bins there are at most: two hours by the second, five days by the minute."""

# Each is a multiple of the one before, so that it does not matter when bins are put together.
_WIDTHS = (1, 60, 3600, 86_400, 864_000, 8_640_000, 86_400_000, 864_000_000)
# Far beyond the years 1 and 9999; at the greatest width, BINS reach from one end to the other.
_FARTHEST = 10**12
# Seconds by which a clock is wrong rather than a log quiet for a while.
_FAR = 600
_SLOTS = {level: slot for slot, level in enumerate(("", *LEVELS))}
_REQUESTS = len(_SLOTS)
_FAILED = _REQUESTS + 1
# What is counted of the lines of each mood.
_COUNTED = [
    (level, *more) for level in _SLOTS.values() for more in ((), (_REQUESTS,), (_REQUESTS, _FAILED))
]


def mood(level: str, status: int | None) -> int:
    """Return which of 18 moods a line is in: they tell its level, whether it is a request, and
    whether that failed."""
    request = 0 if status is None else 1 if status < 500 else 2
    return _SLOTS.get(level, 0) * 3 + request


class Bin(NamedTuple):
    """A stretch of time: its beginning in seconds since the epoch, its lines, those of each level
    that there were ("" for lines without one), its requests, and those that failed (500 and up)."""

    at: int
    lines: int
    levels: dict[str, int]
    requests: int
    failed: int


class Timeline(msgspec.Struct):
    """Counts of lines in bins of `width` seconds; `undated` lines have no time.

    `first` and `last` are the earliest and the latest whole second seen. `bins` are numbered from
    the epoch; each is a list of counts, see `bin`.
    """

    width: int = 1
    bins: dict[int, list[int]] = {}
    undated: int = 0
    first: int | None = None
    last: int | None = None

    def add(self, at: float | None, moods: bytes) -> None:
        """Count lines of one second, given a `mood` for each."""
        slots = self._at(at)
        if slots is None:
            self.undated += len(moods)
            return
        for each in set(moods):
            times = moods.count(each)
            for slot in _COUNTED[each]:
                slots[slot] += times

    def merge(self, other: "Timeline") -> None:
        """Add everything that `other` has counted."""
        self.undated += other.undated
        if other.first is None or other.last is None:
            return
        self._reach(other.first, other.last)
        while self.width < other.width:
            self._coarsen()
        for number, counts in _together(other.bins, self.width // other.width):
            _add_to(self._slots(number), counts)
        self._keep_bounded()

    def window(self) -> tuple[int, int, int]:
        """Return the first and the last bin's number between which the log really happened, and
        how many lines are outside. There is at least one bin.

        A few lines with a wrong clock must not stretch an hour to years: up to one in a thousand
        is left out at each end when that makes the window much shorter.
        """
        numbers = sorted(self.bins)
        lines = [self.bin(number).lines for number in numbers]
        allowed = max(sum(lines) // 1_000, 1) if sum(lines) >= 20 else 0
        low = sum(passed <= allowed for passed in accumulate(lines))
        high = len(lines) - 1 - sum(passed <= allowed for passed in accumulate(reversed(lines)))
        if low <= high:
            whole, inner = numbers[-1] - numbers[0], numbers[high] - numbers[low]
            if inner * 2 < whole and (whole - inner) * self.width >= _FAR:
                return numbers[low], numbers[high], sum(lines[:low]) + sum(lines[high + 1 :])
        return numbers[0], numbers[-1], 0

    def between(self, first: int, last: int, width: int) -> Iterator[Bin]:
        """Yield bins of `width` seconds, a multiple of the own width, also those without a line,
        that cover the seconds `first` to `last`."""
        wider: dict[int, list[int]] = {}
        for number, counts in self.bins.items():
            if first // self.width <= number <= last // self.width:
                _add_to(wider.setdefault(number * self.width // width, _nothing()), counts)
        for number in range(first // width, last // width + 1):
            yield _bin(number * width, wider.get(number) or _nothing())

    def bin(self, number: int) -> Bin:
        """Return one of the bins."""
        return _bin(number * self.width, self.bins[number])

    def _at(self, at: float | None) -> list[int] | None:
        """Return the bin of a second, None if it is none."""
        if at is None or math.isnan(at):
            return None
        if not -_FARTHEST <= at <= _FARTHEST:
            at = math.copysign(_FARTHEST, at)
        second = int(at // 1)
        if self.first is None or self.last is None or not self.first <= second <= self.last:
            self._reach(second, second)
        slots = self.bins.get(second // self.width)
        if slots is None:
            slots = self._slots(second // self.width)
            if len(self.bins) > BINS:
                self._keep_bounded()
                slots = self.bins[second // self.width]
        return slots

    def _slots(self, number: int) -> list[int]:
        slots = self.bins.get(number)
        if slots is None:
            slots = self.bins[number] = _nothing()
        return slots

    def _reach(self, first: int, last: int) -> None:
        self.first = first if self.first is None else min(self.first, first)
        self.last = last if self.last is None else max(self.last, last)

    def _keep_bounded(self) -> None:
        while len(self.bins) > BINS:
            self._coarsen()

    def _coarsen(self) -> None:
        wider = _WIDTHS[_WIDTHS.index(self.width) + 1]
        old, self.bins = self.bins, {}
        for number, counts in _together(old, wider // self.width):
            _add_to(self._slots(number), counts)
        self.width = wider


def _nothing() -> list[int]:
    return [0] * (_FAILED + 1)


def _together(bins: dict[int, list[int]], many: int) -> Iterator[tuple[int, Sequence[int]]]:
    """Yield the bins, as many as make one put together where they follow each other; those of one
    may come more than once."""
    for number, same in groupby(bins.items(), lambda item: item[0] // many):
        lists = [counts for _, counts in same]
        yield number, lists[0] if len(lists) == 1 else list(map(sum, zip(*lists, strict=True)))


def _add_to(slots: list[int], counts: Sequence[int]) -> None:
    for slot, count in enumerate(counts):
        slots[slot] += count


def _bin(at: int, slots: list[int]) -> Bin:
    levels = {level: slots[slot] for level, slot in _SLOTS.items() if slots[slot]}
    return Bin(at, sum(levels.values()), levels, slots[_REQUESTS], slots[_FAILED])
