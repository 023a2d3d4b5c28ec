"""A screenful of log lines, at the tail or anywhere else."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from math import inf
from typing import NamedTuple

from console.lines import Line
from console.logs.files.edges import line_start
from console.logs.files.merged import MergedWindow
from console.logs.files.window import Window
from console.logs.filters.parser import Filter
from console.logs.records import decode
from console.logs.sources.source import reason
from console.watch.collection import Collection
from console.watch.part import Part

__all__ = ["Pager", "Row"]

# So many lines are looked at for one that has a time.
_LINES = 64


class Row(NamedTuple):
    """A line of one of the files, where it begins, and where the next one does."""

    part: Part
    start: int
    end: int
    line: Line


class Pager:
    """A view of a collection: all lines of it or those that match, put in order by time.

    Every method costs about the same in a log of any size. None raises: what cannot be read is
    told by `problem`.
    """

    def __init__(self, collection: Collection) -> None:
        self.collection = collection
        self.rows: list[Row] = []
        """What `show()` returned last."""
        self.problem = ""
        self.context = False
        """Whether all lines are shown, in spite of the filter."""
        self._parts: Sequence[Part] = ()
        self._view: Window | MergedWindow = MergedWindow([])
        self._held: dict[Part, int] | None = None

    @property
    def following(self) -> bool:
        """Whether the last lines are shown, whatever is appended."""
        return self._view.following

    @property
    def held(self) -> bool:
        """Whether what is appended is not shown at all."""
        return self._held is not None

    @property
    def incomplete(self) -> bool:
        """Whether the last look has left out matches that are far away; look again."""
        return any(part.window.missing for part in self._parts)

    @property
    def waiting(self) -> int | None:
        """How many lines are below those shown or, if held, were appended; None if not known."""
        waiting: int | None = None
        with self._telling():
            if self._held is None:
                waiting = self._view.waiting()
            else:
                counts = [part.window.count_from(self._held.get(part, 0)) for part in self._parts]
                known = [count for count in counts if count is not None]
                waiting = sum(known) if len(known) == len(counts) else None
        return waiting

    @property
    def newest(self) -> float | None:
        """The time of the last line that has one, in seconds since the epoch."""
        times: list[float] = []
        with self._telling():
            for part in self._parts:
                window = Window(part.log)
                for placed in reversed(window.show(_LINES)):
                    if (at := decode(placed.line).at) is not None:
                        times.append(at)
                        break
        return max(times, default=None)

    @property
    def share(self) -> tuple[float, float]:
        """Where in their files the lines shown begin and end, 0 to 1."""
        if not self.rows:
            return 0.0, 1.0
        firsts = {row.part: row.start for row in reversed(self.rows)}
        ends = {row.part: row.end for row in self.rows}
        total = max(sum(part.log.end for part in ends), 1)
        return sum(firsts.values()) / total, sum(ends.values()) / total

    def line_number(self, row: Row) -> int | None:
        """Return the number of a line in its file, from 1; None while that is not known."""
        try:
            return row.part.line_number(row.start)
        except OSError as error:
            self.problem = reason(error)
            return None

    def show(self, height: int) -> list[Row]:
        """Return the lines on a screen of so many; fewer where there are no more, or not yet."""
        self._arrange()
        for part in self._parts:
            part.window.missing = False
        self.rows = []
        with self._telling():
            if isinstance(self._view, Window):
                part = self._parts[0]
                self.rows = [
                    Row(part, start, end, line) for start, line, end in self._view.show(height)
                ]
            else:
                self.rows = [
                    Row(self._parts[source], placed.start, placed.end, placed.line)
                    for _, source, placed in self._view.show(height)
                ]
        if self._held is not None:
            self.rows = [row for row in self.rows if row.end <= self._held.get(row.part, 0)]
        return self.rows

    def scroll(self, lines: int) -> None:
        """Move so many lines down, or up when negative; following ends, and at the end resumes."""
        with self._telling():
            self._view.scroll(lines)
        if self._held is not None:
            # At the end of what is held there may be more.
            self._view.following = False

    def place(self, row: Row, above: int, height: int) -> int:
        """Move so that a line, or else the next one shown, has `above` lines over it.

        Returns its place among `rows`, which are new.
        """
        self._go_to(row)
        found = _find(self.show(height), row)
        if found < above:
            self.scroll(found - above)
            found = _find(self.show(height), row)
        return found

    def to_time(self, at: float, height: int) -> int:
        """Move to the first line at or after a time; return its place among `rows`."""
        with self._telling():
            self._view.go_to_time(at)
        times = [decode(row.line).at for row in self.show(height)]
        late = (number for number, time in enumerate(times) if time is not None and time >= at)
        return next(late, len(times) - 1)

    def to_start(self) -> None:
        """Move to the first line."""
        with self._telling():
            if isinstance(self._view, Window):
                self._view.go_to(0)
            else:
                self._view.go_to_time(-inf)
                self._view.show(1)
                # Those that have no time.
                self._view.scroll(-_LINES)

    def to_share(self, share: float) -> None:
        """Move to a place in the largest file, 0 to 1."""
        part = max(self._parts, key=lambda part: part.log.end, default=None)
        if part is None:
            return
        with self._telling():
            start = line_start(part.log, int(part.log.end * share))
            self._go_to(Row(part, start, start, Line(b"", 0)))

    def to_end(self) -> None:
        """Move to the tail and follow it; nothing is held any more."""
        self._held = None
        self._view.go_to_end()

    def stop(self) -> None:
        """Stay with the lines that are shown."""
        if self._view.following and self.rows:
            self._go_to(self.rows[0])

    def hold(self) -> None:
        """Stay with the lines there are now, until `to_end()`."""
        self.stop()
        self._held = {part: part.log.end for part in self._parts}

    def look_for(self, wanted: Filter | None) -> None:
        """Show only lines that match, around those shown first; None: all."""
        eyes = {row.part: row.start for row in self.rows} if not self.following else {}
        self.context = False
        self.collection.look_for(wanted, eyes)

    def show_context(self, *, context: bool) -> None:
        """Show all lines in spite of the filter, or only those that match again."""
        self.context = context
        self._choose()

    def _choose(self) -> None:
        for part in self._parts:
            part.window.search = None if self.context else part.search

    def _arrange(self) -> None:
        parts = self.collection.parts
        if list(self._parts) == parts:
            return
        following, top = self.following, self.rows[0] if self.rows else None
        self._parts = list(parts)
        windows = [part.window for part in parts]
        self._view = windows[0] if len(windows) == 1 else MergedWindow(windows)
        self._choose()
        self._view.go_to_end()
        if not following and top is not None and top.part in parts:
            self._go_to(top)

    def _go_to(self, row: Row) -> None:
        with self._telling():
            if isinstance(self._view, Window):
                self._view.go_to(row.start)
            else:
                self._view.go_to(self._parts.index(row.part), row.start)

    @contextmanager
    def _telling(self) -> Iterator[None]:
        try:
            yield
        except OSError as error:
            self.problem = reason(error)
        else:
            self.problem = ""


def _find(rows: Sequence[Row], row: Row) -> int:
    """Return the place of a line, or of the next one, among rows."""
    later = (
        n for n, shown in enumerate(rows) if shown.part is row.part and shown.start >= row.start
    )
    return next(later, max(len(rows) - 1, 0))
