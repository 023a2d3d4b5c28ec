"""Counts per slice, and where in a file the n-th of what they count is."""

from array import array

__all__ = ["Tally"]

_GROUP = 256


class Tally:
    """A count for each slice, 0 at first; four bytes a slice."""

    def __init__(self) -> None:
        self.total = 0
        self._counts = array("I")
        self._groups = array("Q")

    def grow(self, slices: int) -> None:
        """Have at least so many slices."""
        missing = slices - len(self._counts)
        if missing > 0:
            self._counts.extend([0] * missing)
            groups = -(-len(self._counts) // _GROUP)
            self._groups.extend([0] * (groups - len(self._groups)))

    def add(self, number: int, count: int) -> None:
        """Add `count` to slice `number`."""
        self._counts[number] += count
        self._groups[number // _GROUP] += count
        self.total += count

    def __getitem__(self, number: int) -> int:
        """The count of one slice."""
        return self._counts[number]

    def before(self, number: int) -> int:
        """Return the sum of all slices before `number`."""
        group = number // _GROUP
        return sum(self._groups[:group]) + sum(self._counts[group * _GROUP : number])

    def find(self, rank: int) -> tuple[int, int] | None:
        """Return the slice that holds what has `rank` (from 0) in the file, and its rank there."""
        if not 0 <= rank < self.total:
            return None
        number = 0
        for group in self._groups:
            if rank < group:
                break
            rank -= group
            number += _GROUP
        while rank >= self._counts[number]:
            rank -= self._counts[number]
            number += 1
        return number, rank
