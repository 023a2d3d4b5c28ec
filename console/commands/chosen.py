"""Lines that match a filter, and when each of them was written."""

from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, NamedTuple

from console.logs.sources.block import Block

if TYPE_CHECKING:
    from console.logs.filters.plan import Plan

__all__ = ["Chooser", "Chosen", "joined", "plan_of"]

# So many lines above one without a time are looked at for the time it belongs to.
_ABOVE = 64


class Chosen(NamedTuple):
    """Lines of one log, and the time of each, if times are wanted: that of the nearest line above
    where a line has none, None where that is not known."""

    block: Block
    times: Sequence[float | None] = ()

    def last(self, count: int) -> "Chosen":
        """The last `count` lines; there must be more."""
        block = self.block.split(self.block.line_count - count)[1]
        return Chosen(block, self.times[-count:] if self.times else ())


class Chooser:
    """Chooses the lines that match a filter without limits of time, "" for all lines.

    For the times, it must be given the blocks of one log in their order.
    """

    def __init__(self, text: str, *, timed: bool = False) -> None:
        self._plan = plan_of(text)
        self._times = _Times() if timed else None

    def __call__(self, block: bytes) -> tuple[list[bytes], Sequence[float | None]]:
        """Return the lines of a block that match, without their newlines, and their times."""
        lines = block.split(b"\n")
        if not lines[-1]:
            lines.pop()
        numbers = range(len(lines)) if self._plan is None else self._plan.select(block)
        times = self._times(lines, numbers) if self._times else ()
        return lines if self._plan is None else [lines[number] for number in numbers], times

    def restart(self) -> None:
        """Expect a block that does not follow on the last one."""
        if self._times:
            self._times.before = []

    def of(self, blocks: Iterable[Block]) -> Iterator[Chosen]:
        """Give the lines of blocks that match."""
        if self._plan is None and self._times is None:
            yield from map(Chosen, blocks)
            return
        for block in blocks:
            lines, times = self(block.data)
            if not lines:
                continue
            # Of a long line the block holds only the beginning.
            if block.size <= len(block.data):
                data = joined(lines)
                block = block._replace(data=data, size=len(data))  # noqa: PLW2901
            yield Chosen(block, times)


class _Times:
    def __init__(self) -> None:
        # Imported late: of a single log, no times are wanted.
        from console.logs.records.wanted import Columns  # noqa: PLC0415

        self._columns = Columns(("time",))
        self.before: list[bytes] = []

    def __call__(self, lines: list[bytes], numbers: Sequence[int]) -> list[float | None]:
        (times,) = self._columns.of_lines([lines[number] for number in numbers])
        before, self.before = self.before, (self.before + lines[-_ABOVE:])[-_ABOVE:]
        if None not in times:
            return times
        found: list[float | None] = []
        last = -1
        for number, time in zip(numbers, times, strict=True):
            if time is None and found and last >= number - _ABOVE:
                # What is above the last one is known already.
                nearest = self._nearest(lines[last + 1 : number])
                time = found[-1] if nearest is None else nearest  # noqa: PLW2901
            elif time is None:
                above = before + lines[max(number - _ABOVE, 0) : number]
                time = self._nearest(above[-_ABOVE:])  # noqa: PLW2901
            found.append(time)
            last = number
        return found

    def _nearest(self, above: list[bytes]) -> float | None:
        for line in reversed(above):
            ((time,),) = self._columns.of_lines([line])
            if time is not None:
                return float(time)
        return None


def joined(lines: Iterable[bytes]) -> bytes:
    """Return lines as a block."""
    return b"".join([line + b"\n" for line in lines])


def plan_of(text: str) -> "Plan | None":
    """Return the plan of a filter without limits of time; None for one that takes every line."""
    if not text:
        return None
    # Imported late: nobody waits for the filters who has none.
    from console.logs.filters.parser import reread  # noqa: PLC0415
    from console.logs.filters.plan import Plan  # noqa: PLC0415

    return Plan(reread(text).expression)
