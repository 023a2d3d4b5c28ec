"""The lines of a log that match, in order or from the end, with all cores where that pays."""

from collections import deque
from collections.abc import Iterable, Iterator

from console.commands.chosen import Chooser, Chosen
from console.commands.crew import Crew
from console.commands.files import FileInput, Input
from console.commands.rendering import Look
from console.commands.selection import Selected, decode, select_job
from console.logs.files.blocks import SLICE
from console.logs.sources.block import Block

__all__ = ["Selecting", "last"]

# So many slices are looked at from the end before processes are started.
_NEAR = 8
# So many pieces may be held by what reads ahead, of all logs together.
_AHEAD = 8


class Selecting:
    """Selects the lines of logs that match a filter without limits of time, "" for all lines.

    Of several `logs`, that many being read at the same time, the times of lines are told.
    """

    def __init__(self, text: str, crew: Crew, *, logs: int) -> None:
        self._text = text
        self._crew = crew
        self._timed = logs > 1
        self._ahead = _AHEAD // max(logs, 1)

    def lines(self, source: Input) -> Iterator[Chosen]:
        """Give the lines that match, in order."""
        # Of very many logs, each is read as it is needed, and no faster.
        if isinstance(source, FileInput) and source.large and self._ahead:
            for found in self._scan(source, source.start, source.stop):
                yield from _chosen(source, found)
        else:
            yield from self._here(source.blocks())

    def shown(self, source: FileInput, look: Look) -> Iterator[Selected]:
        """Give what the lines that match look like, part by part, in order."""
        return self._scan(source, source.start, source.stop, look=look)

    def newest(self, source: Input, count: int) -> Iterable[Chosen]:
        """Return the last `count` lines that match."""
        if not isinstance(source, FileInput):
            return last(self._here(source.blocks()), count)
        found: deque[Chosen] = deque()
        for chosen in self._upwards(source) if count else ():
            lines = chosen.block.line_count
            if lines >= count:
                found.appendleft(chosen.last(count) if lines > count else chosen)
                break
            found.appendleft(chosen)
            count -= lines
        return found

    def _upwards(self, source: FileInput) -> Iterator[Chosen]:
        stop = source.stop
        near = stop - _NEAR * SLICE if source.large else source.start
        while stop > max(near, source.start):
            start = max((stop - 1) // SLICE * SLICE, source.start)
            yield from reversed(list(self._here(source.between(start, stop))))
            stop = start
        for found in self._scan(source, source.start, stop, backwards=True):
            yield from _chosen(source, found)

    def _here(self, blocks: Iterable[Block]) -> Iterator[Chosen]:
        return Chooser(self._text, timed=self._timed).of(blocks)

    def _scan(
        self,
        source: FileInput,
        start: int,
        stop: int,
        *,
        look: Look | None = None,
        backwards: bool = False,
    ) -> Iterator[Selected]:
        if start >= stop:
            return
        # Imported late: the newest lines are found without it.
        from console.commands.in_order import InOrder  # noqa: PLC0415

        job = select_job(self._text, look, source.name, timed=self._timed)
        workers = self._crew.workers()
        ahead = self._ahead or 1
        with InOrder(
            source.log, start, stop, job, workers, ahead=ahead, backwards=backwards
        ) as states:
            for state in states:
                yield decode(state)
            source.problem = source.problem or states.problem


def last(every: Iterable[Chosen], count: int) -> Iterable[Chosen]:
    """Return the last `count` lines, never having kept many more than these."""
    kept: deque[Chosen] = deque()
    lines = 0
    for chosen in every:
        kept.append(chosen)
        lines += chosen.block.line_count
        while kept and lines - kept[0].block.line_count >= count:
            lines -= kept.popleft().block.line_count
    if lines > count:
        kept[0] = kept[0].last(kept[0].block.line_count - (lines - count))
    return kept


def _chosen(source: FileInput, found: Selected) -> Iterator[Chosen]:
    if found.matches:
        yield Chosen(Block(found.data, source.name, len(found.data), 0), found.times)
