"""What a screen shows of a file: its lines, all or those found, at the tail or anywhere else."""

from collections.abc import Sequence

from console.logs.files.blocks import blocks, count_lines
from console.logs.files.edges import PlacedLine, line_start, lines_at, lines_from, starts_before
from console.logs.files.index import Index
from console.logs.files.log_file import Change, LogFile
from console.logs.files.search import Found, Search
from console.logs.files.times import offset_of_time

__all__ = ["Window"]

# So much below the screen is counted at once; more is left to the index.
_COUNTED = 4 * 1024 * 1024


class Window:
    """A view of one file; begins at its tail and follows it.

    The place is a byte offset: it costs the same in a file of any size, and stays when a filter is
    put on or lifted. Every method reads a bounded part of the file and raises OSError when that
    cannot be read. With a search, only its matches are shown, and looking for them takes at most
    0.1 s: what is missing then is there after the search's next `on_change`.
    """

    def __init__(self, log: LogFile, index: Index | None = None) -> None:
        self.log = log
        self.index = index
        self.following = True
        """Whether the last lines are shown, whatever is appended."""
        self.search: Search | None = None
        """Whose matches are shown; it may be set at any time. Closing it is left to the owner."""
        self.shown: list[PlacedLine] = []
        """What `show()` returned last."""
        self._top = 0
        self._height = 1

    def refresh(self) -> Change:
        """Take in what was appended to the file, and return what has become of it."""
        change = self.log.refresh()
        if change != "truncated":
            for scan in (self.index, self.search):
                if scan is not None:
                    scan.grow()
        return change

    def show(self, height: int) -> list[PlacedLine]:
        """Return the lines on a screen of so many; fewer where there are no more, or not yet."""
        if self.following:
            starts = self.before(self.log.end, height)
        else:
            starts, complete = self.after(self._top, height)
            if complete and len(starts) < height:
                # Above it may be more, and half a screen would be a waste.
                starts = self.before(self._top, height - len(starts)) + starts
        self.shown = self.lines(starts)
        self._height = height
        return self.shown

    def scroll(self, lines: int) -> None:
        """Move so many lines down, or up when negative; following ends, and at the end resumes."""
        first = self.shown[0].start if self.shown else self._top
        if lines < 0:
            above = self.before(first, -lines)
            self._top = above[0] if above else first
            self.following = False
        elif not self.following:
            below, complete = self.after(first, lines + self._height)
            self._top = below[min(lines, len(below) - 1)] if below else first
            self.following = complete and len(below) < lines + self._height

    def go_to(self, offset: int) -> None:
        """Move to the line that holds the byte at `offset`."""
        self._top = line_start(self.log, offset)
        self.following = False

    def go_to_time(self, at: float) -> None:
        """Move to the first line at or after a time, in seconds since the epoch."""
        self._top = offset_of_time(self.log, at)
        self.following = False

    def go_to_end(self) -> None:
        """Move to the tail and follow it."""
        self.following = True

    def waiting(self) -> int | None:
        """Return how many lines are below those shown; None while that is not known."""
        return self.count_from(self.shown[-1].end if self.shown else self._top)

    def around(self, offset: int, before: int, after: int) -> list[PlacedLine]:
        """Return the line that begins at `offset` with those around it, found or not."""
        starts = starts_before(self.log, offset, before)
        return lines_from(self.log, starts[0] if starts else offset, len(starts) + 1 + after)

    def count_from(self, offset: int) -> int | None:
        """Return how many lines begin at `offset` or after; None while that is not known."""
        if self.search is not None:
            return self.search.count - self.search.rank(offset) if self.search.complete else None
        if self.log.end - offset <= _COUNTED:
            rest = blocks(self.log.descriptor, offset, self.log.end, self.log.end)
            return sum(count_lines(block) for _, block in rest)
        if self.index is None or not self.index.complete:
            return None
        number = self.index.line_number(offset)
        return None if number is None else self.index.lines - number

    def after(self, offset: int, count: int) -> Found:
        """Return where the first `count` lines begin, at `offset` or after."""
        if self.search is not None:
            return self.search.after(offset, count)
        return Found([line.start for line in lines_from(self.log, offset, count)], complete=True)

    def before(self, offset: int, count: int) -> list[int]:
        """Return where the last `count` lines begin before the one at `offset`."""
        if self.search is not None:
            return self.search.before(offset, count).offsets
        return starts_before(self.log, offset, count)

    def lines(self, starts: Sequence[int]) -> list[PlacedLine]:
        """Return the lines that begin at `starts`, as `after` and `before` return them."""
        if self.search is None and starts:
            return lines_from(self.log, starts[0], len(starts))
        return lines_at(self.log, starts)
