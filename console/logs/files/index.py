"""A sparse index of a file: how many lines begin in each slice."""

from collections.abc import Callable

from console.logs.files.blocks import SLICE, blocks, count_lines, slice_of
from console.logs.files.counting import decode_counts
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.scan import SliceScan
from console.logs.files.tally import Tally
from console.logs.files.workers import Workers

__all__ = ["Index"]

_URGENCY = 1


class Index(SliceScan):
    """Line numbers; a few bytes for each MiB.

    Made by workers, from the beginning of the file, since no line has a number before all lines
    above it are counted.
    """

    def __init__(
        self, log: LogFile, workers: Workers, *, on_change: Callable[[], None] = lambda: None
    ) -> None:
        self._lines = Tally()
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

    def _takes_long(self, _block: bytes) -> bool:
        """Newlines are counted in no time, however many there are."""
        return False

    def _take(self, state: bytes, wanted: Callable[[int], bool]) -> None:
        for number, lines in decode_counts(state).items():
            if wanted(number):
                self._lines.add(number, lines)

    def _forget(self, number: int) -> None:
        self._lines.add(number, -self._lines[number])

    def _resize(self, slices: int) -> None:
        self._lines.grow(slices)
