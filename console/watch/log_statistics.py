"""What the lines that are shown add up to: all there are, and then those that come."""

import threading

from console.logs.files.fold import Fold
from console.logs.files.fold import Part as Stretch
from console.logs.files.jobs import Job
from console.logs.files.times import offset_of_time
from console.logs.filters.formatter import to_text
from console.logs.sources.source import reason
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.summary import Summary
from console.logs.statistics.work import FUNCTION
from console.watch.collection import Collection
from console.watch.part import Part

__all__ = ["LogStatistics"]

_TOP = 20
# Figures are shown after so much.
_AT_ONCE = 16 * 1024 * 1024


class LogStatistics:
    """Statistics of the lines of a collection that match the filter it has when this is made.

    Workers count; `refresh()` gives them what there is and what has come since, and returns at
    once. In memory it is bounded whatever the log holds.
    """

    def __init__(self, collection: Collection) -> None:
        self.wanted = collection.wanted
        """The filter; None for all lines."""
        self.problem = ""
        """Why something is missing; empty when nothing is."""
        self.complete = True
        """Whether nothing was broken off."""
        self.since: float | None = None
        """From when on lines are counted, in seconds since the epoch; None: from the first."""
        self.changes = 0
        """Grows whenever more has been counted."""
        self._collection = collection
        self._shown = collection.shown
        self._total = Statistics()
        self._lock = threading.Lock()
        # Up to where each file has been given to the workers, and what they have not finished:
        # also of a file that is gone meanwhile.
        self._ends: dict[Part, int] = {}
        self._folds: dict[Part, Fold] = {}
        self._bytes = self._bytes_done = self._bytes_first = 0
        # How much has come, of what is no file with the part that is forgotten.
        self._come = 0
        self._begin_counting()

    @property
    def progress(self) -> float:
        """How much has been counted of what there was at the last `refresh()`, 0 to 1."""
        return min(self._done / self._bytes, 1.0) if self._bytes else 1.0

    @property
    def caught_up(self) -> bool:
        """Whether what there was at the beginning has been counted; the rest is, as it comes."""
        return self._done >= self._bytes_first

    @property
    def current(self) -> bool:
        """Whether they can go on: the filter is still the same, nothing was broken off, and no file
        has gone with lines that were written to it meanwhile."""
        collection = self._collection
        same = self.wanted == collection.wanted and self._ends.keys() <= set(collection.parts)
        return same and self.complete

    def refresh(self) -> None:
        """Have counted what has come since the last call."""
        self._settle()
        parts = self._collection.parts
        self._ends = {part: end for part, end in self._ends.items() if part in parts}
        for part in parts:
            if part not in self._folds:
                try:
                    self._count(part)
                except OSError as error:
                    self.problem = f"{part.log.path.name}: {reason(error)}"

    def restart(self) -> None:
        """Count everything again."""
        self._forget()
        self.since = None
        self._begin_counting()

    def reset(self, now: float) -> None:
        """Forget everything, and count only what comes from now on."""
        self._forget()
        self.since = now
        for part in self._collection.parts:
            self._ends[part] = part.log.end
            self._come = part.before + part.log.end

    def summary(self, bars: int) -> Summary:
        """Return what there is to tell so far, with at most `bars` bars.

        Some 10 ms of work where there are many names: not for an event loop.
        """
        with self._lock:
            return self._total.summary(top=_TOP, bars=max(bars, 2))

    def close(self) -> None:
        """Break off what the workers have not finished; `complete` tells whether that was any."""
        self._settle()
        self.complete = not self._folds
        for fold in self._folds.values():
            fold.close()
        self._folds.clear()

    @property
    def _done(self) -> int:
        return self._bytes_done + sum(fold.done for fold in self._folds.values())

    def _begin_counting(self) -> None:
        self.refresh()
        self._bytes_first = self._bytes

    def _settle(self) -> None:
        """Take note of what the workers have finished."""
        for part, fold in list(self._folds.items()):
            if fold.wait(0):
                self._bytes_done += fold.total
                self.problem = fold.problem or self.problem
                del self._folds[part]

    def _forget(self) -> None:
        self.close()
        self.complete = True
        self._ends.clear()
        self._bytes = self._bytes_done = self._bytes_first = self._come = 0
        with self._lock:
            self._total = Statistics()
            self.changes += 1

    def _count(self, part: Part) -> None:
        start = self._ends[part] if part in self._ends else self._begin(part)
        stop = max(self._stop(part), start)
        self._ends[part] = stop
        self._come = max(self._come, part.before + stop)
        if stop == start:
            return
        wanted, total = self._shown, self._total
        text = "" if wanted is None else to_text(wanted.expression)
        job = Job(FUNCTION, {"text": text, "source": str(part.log.path)})

        def add(state: bytes) -> None:
            found = Statistics.decode(state)
            with self._lock:
                total.merge(found)
                self.changes += 1

        self._bytes += stop - start
        stretch = Stretch(part.log, start, stop)
        self._folds[part] = Fold([stretch], self._collection.workers, job, add, largest=_AT_ONCE)

    def _begin(self, part: Part) -> int:
        if part.before and self._come > part.before:
            # The same lines as before, but for the older half.
            return self._come - part.before
        since = self._shown.since if self._shown is not None else None
        return 0 if since is None else offset_of_time(part.log, since)

    def _stop(self, part: Part) -> int:
        until = self._shown.until if self._shown is not None else None
        return part.log.end if until is None else offset_of_time(part.log, until)
