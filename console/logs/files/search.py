"""The lines of a file that match a filter: the nearest at once, the exact count soon after."""

import time
from array import array
from bisect import bisect_left
from collections.abc import Callable
from typing import NamedTuple

from console.logs.files.blocks import SLICE, slice_of
from console.logs.files.jobs import Job, Work
from console.logs.files.log_file import LogFile
from console.logs.files.matching import FEW, decode
from console.logs.files.scan import SliceScan
from console.logs.files.tally import Tally
from console.logs.files.times import offset_of_time
from console.logs.files.workers import Workers
from console.logs.filters.formatter import to_text
from console.logs.filters.parser import Filter

__all__ = ["Found", "Search"]

_URGENCY = 0
_SECONDS = 0.1
# Offsets that are kept at most, in slices with few matches and in those read last: 16 MB, 2 MB.
_KEPT = 2_000_000
_RECENT = 250_000


class Found(NamedTuple):
    """Offsets of matching lines, ascending; `complete` unless time ran out before all were found
    that had been asked for."""

    offsets: list[int]
    complete: bool


class Search(SliceScan):
    """Which lines of a file match a filter, and how many.

    Workers look at the whole file, from `eye` outwards. Whoever asks for matches where they have
    not been yet looks for himself, for at most so long. Where matches are few their offsets are
    kept, where they are many only their number.
    """

    def __init__(
        self,
        log: LogFile,
        wanted: Filter,
        workers: Workers,
        *,
        eye: int | None = None,
        on_change: Callable[[], None] = lambda: None,
    ) -> None:
        """Begin. Raises OSError when the limits of time in the filter cannot be looked for."""
        self.filter = wanted
        self._tally = Tally()
        self._kept: dict[int, array[int]] = {}
        self._kept_count = 0
        self._recent: dict[int, array[int]] = {}
        super().__init__(
            log,
            workers,
            Job("console.logs.files.matching:Matcher", {"text": to_text(wanted.expression)}),
            urgency=_URGENCY,
            eye=eye,
            start=0 if wanted.since is None else offset_of_time(log, wanted.since),
            stop=_stop(log, wanted.until),
            on_change=on_change,
        )

    def grow(self) -> None:
        """Take in what `log.refresh()` has found appended. Raises OSError."""
        if self._stop is None:
            self._stop = _stop(self.log, self.filter.until)
        super().grow()

    @property
    def count(self) -> int:
        """How many matches have been found; exact once `complete`."""
        return self._tally.total

    def after(self, offset: int, count: int, seconds: float = _SECONDS) -> Found:
        """Return the first `count` matches that begin at `offset` or after. Raises OSError."""
        deadline = time.monotonic() + seconds
        found: list[int] = []
        number = slice_of(max(offset, self._start))
        while number < len(self._known) and len(found) < count:
            if not self._known[number] and (time.monotonic() > deadline or not self._learn(number)):
                return Found(found, complete=False)
            if self._tally[number]:
                offsets = self._offsets(number)
                at = bisect_left(offsets, offset)
                found.extend(offsets[at : at + count - len(found)])
            number += 1
        return Found(found, complete=True)

    def before(self, offset: int, count: int, seconds: float = _SECONDS) -> Found:
        """Return the last `count` matches that begin before `offset`. Raises OSError."""
        deadline = time.monotonic() + seconds
        found: list[int] = []
        number = min(slice_of(offset), len(self._known) - 1)
        while number >= slice_of(self._start) and len(found) < count:
            if not self._known[number] and (time.monotonic() > deadline or not self._learn(number)):
                return Found(found, complete=False)
            if self._tally[number]:
                offsets = self._offsets(number)
                at = bisect_left(offsets, offset)
                found[:0] = offsets[max(at - count + len(found), 0) : at]
            number -= 1
        return Found(found, complete=True)

    def at(self, rank: int) -> int | None:
        """Return the offset of the match of that rank, from 0, among those found so far.

        Raises OSError.
        """
        with self._lock:
            place = self._tally.find(rank)
        if place is None:
            return None
        number, inside = place
        offsets = self._offsets(number)
        # A file that was truncated meanwhile has fewer.
        return offsets[inside] if inside < len(offsets) else None

    def rank(self, offset: int) -> int:
        """Return how many matches found so far begin before `offset`. Raises OSError."""
        number = slice_of(offset)
        if number >= len(self._known):
            return self._tally.total
        inside = bisect_left(self._offsets(number), offset) if self._tally[number] else 0
        return self._tally.before(number) + inside

    def _offsets(self, number: int) -> "array[int]":
        with self._lock:
            offsets = self._kept.get(number) or self._recent.get(number)
        if offsets is None:
            state = self._look(number * SLICE, (number + 1) * SLICE, self._horizon)
            offsets = array("q", b"".join(found.packed for found in decode(state)))
            with self._lock:
                self._remember(number, offsets)
        return offsets

    def _take(self, state: bytes, wanted: Callable[[int], bool]) -> None:
        for number, count, packed in decode(state):
            if not wanted(number):
                continue
            kept, recent = self._kept.pop(number, None), self._recent.pop(number, None)
            self._kept_count -= len(kept or ())
            offsets = kept or recent or array("q")
            complete = len(offsets) == self._tally[number] and len(packed) == 8 * count
            self._tally.add(number, count)
            offsets.frombytes(packed)
            if complete and len(offsets) <= FEW and self._kept_count < _KEPT:
                self._kept[number] = offsets
                self._kept_count += len(offsets)
            elif complete:
                self._remember(number, offsets)

    def _remember(self, number: int, offsets: "array[int]") -> None:
        self._recent[number] = offsets
        while len(self._recent) > 1 and sum(map(len, self._recent.values())) > _RECENT:
            del self._recent[next(iter(self._recent))]

    def _forget(self, number: int) -> None:
        self._tally.add(number, -self._tally[number])
        self._kept_count -= len(self._kept.pop(number, ()))
        self._recent.pop(number, None)

    def _resize(self, slices: int) -> None:
        self._tally.grow(slices)

    def _make_own_work(self) -> Work:
        return Job(self.job.function, {**self.job.arguments, "every": True}).make()


def _stop(log: LogFile, until: float | None) -> int | None:
    """Return where the first line at or after `until` is; None while there is none that late."""
    offset = log.end if until is None else offset_of_time(log, until)
    return offset if offset < log.end else None
