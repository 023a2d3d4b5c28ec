"""Lines to be counted: what many of them have in common is told for all of these at once."""

from collections.abc import Callable, Sequence
from operator import attrgetter
from typing import Any

from console.logs.records.times import Runs, as_runs, expanded, runs_of
from console.logs.records.typed import TypedRows
from console.logs.records.wanted import SAMPLE, Columns, few, put

__all__ = ["GroupedColumns"]

Number = Callable[[tuple[Any, ...]], int]


class GroupedColumns:
    """Of blocks of lines, their times as runs, a number that `number` returns for the values that
    each line has of `kind`, and a list for each other name.

    Values are those of `Columns` with `coarse`, except that levels may be as spelled. The names are
    canonical ones, all different, without "time".
    """

    def __init__(self, kind: Sequence[str], number: Number, names: Sequence[str]) -> None:
        every = ("time", *kind, *names)
        self._kinds = len(kind)
        self._number = number
        self._rows = TypedRows(every, coarse=True)
        time, *others = self._rows.fields
        self._time = attrgetter(time)
        self._kind = attrgetter(*others[: len(kind)])
        self._singles = list(map(attrgetter, others[len(kind) :]))
        self._columns = Columns(every, coarse=True)
        # Whether most lines of the last block were read by their types.
        self._usual = False

    def of_lines(self, lines: Sequence[bytes]) -> tuple[Runs, list[int], list[list[Any]]]:
        """Return runs, numbers and the other lists; lines come with or without a newline."""
        if not self._usual:
            self._usual = few(self._rows(lines[:SAMPLE])[1], lines[:SAMPLE])
        if not self._usual:
            times, kinds, singles = self._of_any(lines)
            return as_runs(times), kinds, singles
        rows, others = self._rows(lines)
        self._usual = few(others, lines)
        runs = runs_of(list(map(self._time, rows)))
        # Not one after the other: what is made for a line is used while it is in the cache.
        kinds = list(map(self._number, map(self._kind, rows)))
        singles = [list(map(get, rows)) for get in self._singles]
        untold = any(at is None for at, _ in runs)
        if others or untold:
            times = expanded(runs)
            if untold:
                others += [number for number, at in enumerate(times) if at is None]
            other_times, other_kinds, found = self._of_any([lines[number] for number in others])
            put(others, [other_times, other_kinds, *found], [times, kinds, *singles])
            runs = as_runs(times)
        return runs, kinds, singles

    def _of_any(
        self, lines: Sequence[bytes]
    ) -> tuple[list[float | None], list[int], list[list[Any]]]:
        times, *columns = self._columns.of_lines(lines)
        told, singles = columns[: self._kinds], columns[self._kinds :]
        return times, list(map(self._number, zip(*told, strict=True))), singles
