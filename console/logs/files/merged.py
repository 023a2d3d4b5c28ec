"""What a screen shows of several files: their lines, merged by time."""

import heapq
from collections.abc import Iterable, Sequence
from itertools import islice
from math import inf
from typing import NamedTuple

from console.logs.files.edges import PlacedLine, line_at, starts_before
from console.logs.files.log_file import Change, LogFile
from console.logs.files.times import offset_of_time
from console.logs.files.window import Window
from console.logs.records.record import decode

__all__ = ["MergedLine", "MergedWindow"]

# So many lines above one without a time are looked at for the time it belongs to.
_LINES = 64


class MergedLine(NamedTuple):
    """A line, the time by which it was merged, and the number of the window it is from."""

    time: float
    source: int
    placed: PlacedLine


class MergedWindow:
    """A view of several files by way of their windows, whose filters it shows.

    The place is an offset in each file. Lines of one file stay in its order; one without a time
    stays with the line above it. Costs what the windows cost for as many lines each.
    """

    def __init__(self, windows: Sequence[Window]) -> None:
        self.windows = tuple(windows)
        self.following = True
        """Whether the last lines are shown, whatever is appended."""
        self.shown: list[MergedLine] = []
        """What `show()` returned last."""
        self._tops = [0] * len(windows)
        self._first = list(self._tops)
        self._height = 1

    def refresh(self) -> list[Change]:
        """Take in what was appended, and return what has become of each file. Raises OSError."""
        return [window.refresh() for window in self.windows]

    def show(self, height: int) -> list[MergedLine]:
        """Return the lines on a screen of so many; fewer where there are no more, or not yet.

        Raises OSError.
        """
        self._height = height
        if self.following:
            self._tops = self._ends()
        lines = self._down(self._tops, height)
        above = self._up(self._tops, height - len(lines))
        self._first = _moved_up(self._tops, above)
        self.shown = above + lines
        return self.shown

    def scroll(self, lines: int) -> None:
        """Move so many lines down, or up when negative; following ends, and at the end resumes.

        Raises OSError.
        """
        if lines < 0:
            self._tops = _moved_up(self._first, self._up(self._first, -lines))
            self.following = False
        elif not self.following:
            below = self._down(self._first, lines + self._height)
            self._tops = list(self._first)
            for line in below[:lines]:
                self._tops[line.source] = line.placed.end
            self.following = len(below) < lines + self._height

    def go_to(self, source: int, offset: int) -> None:
        """Move to the line that begins at `offset` in one file. Raises OSError."""
        log = self.windows[source].log
        time = self._time_above(log, offset, decode(line_at(log, offset).line).at)
        self.go_to_time(time)
        self._tops[source] = offset

    def go_to_time(self, at: float) -> None:
        """Move to the first line at or after a time, in seconds since the epoch. Raises OSError."""
        self._tops = [offset_of_time(window.log, at) for window in self.windows]
        self.following = False

    def go_to_end(self) -> None:
        """Move to the tail and follow it."""
        self.following = True

    def waiting(self) -> int | None:
        """Return how many lines are below those shown; None while that is not known.

        Raises OSError.
        """
        bottoms = list(self._first)
        for line in self.shown:
            bottoms[line.source] = line.placed.end
        counts = [
            window.count_from(bottom) for window, bottom in zip(self.windows, bottoms, strict=True)
        ]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    def _down(self, tops: Sequence[int], count: int) -> list[MergedLine]:
        streams = [
            self._timed(source, window.after(tops[source], count).offsets)
            for source, window in enumerate(self.windows)
        ]
        return list(islice(heapq.merge(*streams, key=_time), count))

    def _up(self, bottoms: Sequence[int], count: int) -> list[MergedLine]:
        streams = [
            reversed(self._timed(source, window.before(bottoms[source], count)))
            for source, window in enumerate(self.windows)
        ]
        # The last of those written at the same time is the one of the last file.
        streams.reverse()
        found = list(islice(heapq.merge(*streams, key=_time, reverse=True), count))
        found.reverse()
        return found

    def _timed(self, source: int, starts: Sequence[int]) -> list[MergedLine]:
        window = self.windows[source]
        found: list[MergedLine] = []
        for placed in window.lines(starts):
            time = decode(placed.line).at
            if time is None and found and found[-1].placed.end == placed.start:
                time = found[-1].time
            time = self._time_above(window.log, placed.start, time)
            found.append(MergedLine(time, source, placed))
        return found

    def _time_above(self, log: LogFile, start: int, time: float | None) -> float:
        """Return the time, or else that of the nearest line above which has one."""
        above = [] if time is not None else starts_before(log, start, _LINES)
        while time is None and above:
            time = decode(line_at(log, above.pop()).line).at
        return -inf if time is None else time

    def _ends(self) -> list[int]:
        return [window.log.end for window in self.windows]


def _moved_up(tops: Iterable[int], above: Iterable[MergedLine]) -> list[int]:
    moved = list(tops)
    for line in above:
        moved[line.source] = min(moved[line.source], line.placed.start)
    return moved


def _time(line: MergedLine) -> float:
    return line.time
