"""One log file on its way to the screen: its lines, their number, those that match."""

from collections.abc import Callable

from console.logs.files.index import Index
from console.logs.files.log_file import LogFile
from console.logs.files.search import Found, Search
from console.logs.files.window import Window
from console.logs.files.workers import Workers
from console.logs.filters.parser import Filter

__all__ = ["Part", "PatientWindow"]

# A key press waits no longer than this for matches that are far away.
_SECONDS = 0.02
# The lines of a smaller file are counted whenever somebody asks: no process is started for them.
_SMALL = 4 * 1024 * 1024


class PatientWindow(Window):
    """A window that holds nobody up: matches that are far away are there at a later look."""

    missing = False
    """Whether matches have been left out since this was last set to False."""

    def after(self, offset: int, count: int) -> Found:
        """Return where the first `count` lines begin, at `offset` or after."""
        if self.search is None:
            return super().after(offset, count)
        found = self.search.after(offset, count, _SECONDS)
        self.missing = self.missing or not found.complete
        return found

    def before(self, offset: int, count: int) -> list[int]:
        """Return where the last `count` lines begin before the one at `offset`."""
        if self.search is None:
            return super().before(offset, count)
        found = self.search.before(offset, count, _SECONDS)
        self.missing = self.missing or not found.complete
        return found.offsets


class Part:
    """A file, its window, and the scans that count its lines and look for matches."""

    def __init__(
        self, log: LogFile, workers: Workers, on_change: Callable[[], None], *, before: int = 0
    ) -> None:
        self.before = before
        """How many bytes of the log have come and been forgotten before the first of this file."""
        self.window = PatientWindow(log)
        self.search: Search | None = None
        self._workers = workers
        self._on_change = on_change
        self._counted = (0, 0)

    @property
    def log(self) -> LogFile:
        """The file."""
        return self.window.log

    def count(self) -> None:
        """Have the lines of a large file counted."""
        if self.window.index is None and self.log.end > _SMALL:
            self.window.index = Index(self.log, self._workers, on_change=self._on_change)

    def look_for(self, wanted: Filter | None, eye: int | None = None) -> None:
        """Show only what matches, or everything; the scan begins at `eye`. Raises OSError."""
        if self.search is not None:
            self.search.close()
        self.search = None
        if wanted is not None:
            self.search = Search(
                self.log, wanted, self._workers, eye=eye, on_change=self._on_change
            )
        self.window.search = self.search

    @property
    def lines(self) -> int | None:
        """How many lines the file has; None while that is not known. Raises OSError."""
        index = self.window.index
        if index is not None:
            return index.lines if index.complete else None
        if self.log.end > _SMALL:
            return None
        end, count = self._counted
        if end != self.log.end:
            count += Window(self.log).count_from(end) or 0
            self._counted = self.log.end, count
        return count

    @property
    def progress(self) -> float:
        """How much of the file the lines have been counted of, 0 to 1."""
        if self.window.index is not None:
            return self.window.index.progress
        return 0.0 if self.log.end > _SMALL else 1.0

    def line_number(self, offset: int) -> int | None:
        """Return the number of the line that begins at `offset`, from 1; None while that is not
        known. Raises OSError."""
        if self.window.index is not None:
            number = self.window.index.line_number(offset)
            return None if number is None else number + 1
        lines = self.lines
        below = Window(self.log).count_from(offset)
        return None if lines is None or below is None else lines - below + 1

    def close(self) -> None:
        """Look for nothing any more."""
        for scan in (self.search, self.window.index):
            if scan is not None:
                scan.close()
