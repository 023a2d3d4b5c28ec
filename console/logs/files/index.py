"""A sparse index of a file: lines, levels and the time of each slice."""

from array import array
from collections.abc import Callable, Iterator
from math import isnan, nan
from typing import NamedTuple

from console.logs.files.blocks import SLICE, blocks, count_lines, slice_of
from console.logs.files.counting import decode_counts
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.scan import SliceScan
from console.logs.files.tally import Tally
from console.logs.files.workers import Workers
from console.logs.records.levels import LEVELS

__all__ = ["Index", "Stretch"]

_URGENCY = 1


class Stretch(NamedTuple):
    """The lines that begin in one slice: when the first of them was written that tells it, in
    seconds since the epoch, how many there are, and how many of each of LEVELS."""

    time: float | None
    lines: int
    levels: tuple[int, ...]


class Index(SliceScan):
    """Line numbers, and how many lines of which level there are where; some 60 bytes a MiB.

    Made by workers, from the beginning of the file, since no line has a number before all lines
    above it are counted.
    """

    def __init__(
        self, log: LogFile, workers: Workers, *, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._lines = Tally()
        self._levels = [array("I") for _ in LEVELS]
        self._times = array("d")
        super().__init__(
            log,
            workers,
            Job("console.logs.files.counting:Counting"),
            urgency=_URGENCY,
            eye=0,
            on_change=on_change,
        )

    @property
    def lines(self) -> int:
        """How many lines have been counted; all once `complete`."""
        return self._lines.total

    @property
    def levels(self) -> dict[str, int]:
        """How many lines of each of LEVELS have been counted."""
        return {level: sum(counts) for level, counts in zip(LEVELS, self._levels, strict=True)}

    def line_number(self, offset: int) -> int | None:
        """Return how many lines begin before `offset`; None until they are counted.

        Raises OSError.
        """
        number = min(slice_of(offset), len(self._known))
        if 0 in self._known[:number]:
            return None
        above = blocks(self.log.descriptor, number * SLICE, offset, self._horizon)
        return self._lines.before(number) + sum(count_lines(block) for _, block in above)

    def offset_of_line(self, number: int) -> int | None:
        """Return where the line of that number, from 0, begins; None when it is not known (yet).

        Raises OSError.
        """
        with self._lock:
            place = self._lines.find(number)
        if place is None or 0 in self._known[: place[0]]:
            return None
        first, rest = place[0] * SLICE, place[1]
        for offset, block in blocks(self.log.descriptor, first, first + SLICE, self._horizon):
            lines = count_lines(block)
            if rest < lines:
                return offset + sum(len(line) + 1 for line in block.split(b"\n", rest)[:rest])
            rest -= lines
        return None

    def stretches(self) -> Iterator[Stretch]:
        """Yield what is known of each slice, in the order of the file; 0 lines where nothing is."""
        for number, time in enumerate(self._times):
            levels = tuple(counts[number] for counts in self._levels)
            yield Stretch(None if isnan(time) else time, self._lines[number], levels)

    def _take(self, state: bytes, wanted: Callable[[int], bool]) -> None:
        for found in decode_counts(state):
            if wanted(found.number):
                self._lines.add(found.number, found.lines)
                for counts, count in zip(self._levels, found.levels, strict=True):
                    counts[found.number] += count
                if found.time is not None and isnan(self._times[found.number]):
                    self._times[found.number] = found.time

    def _forget(self, number: int) -> None:
        self._lines.add(number, -self._lines[number])
        for counts in self._levels:
            counts[number] = 0
        self._times[number] = nan

    def _resize(self, slices: int) -> None:
        self._lines.grow(slices)
        missing = slices - len(self._times)
        self._times.extend([nan] * missing)
        for counts in self._levels:
            counts.extend([0] * missing)
