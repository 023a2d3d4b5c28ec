"""The lines around those that match, as grep's -C has them."""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import NamedTuple

from console.commands.output import Output
from console.commands.rendering import Renderer, drawn
from console.logs.filters.plan import Plan
from console.logs.sources.block import Block

__all__ = ["Context"]

_GAP = b"--\n"


class _Shown(NamedTuple):
    """A line: whether it matches, and whether lines before it were left out."""

    line: Block
    match: bool
    after_gap: bool


class Context:
    """Lets through what matches, and so many lines before and after it."""

    def __init__(self, plan: Plan | None, lines: int) -> None:
        self._plan = plan
        self._lines = lines
        self._before: deque[Block] = deque(maxlen=lines)
        # How many lines after a match are still to be shown.
        self._after = 0
        self._begun = self._left_out = False

    def write(
        self,
        blocks: Iterable[Block],
        shown: Renderer,
        output: Output,
        *,
        newest: int | None = None,
        gaps: bool,
    ) -> int:
        """Write what is let through, or only the newest matches; return how many matched.

        With `gaps`, two hyphens stand where lines were left out.
        """
        total = 0
        every = (each for block in blocks for each in self._through(block))
        for each in every if newest is None else self._newest(every, newest):
            if gaps and each.after_gap:
                output.write(_GAP)
            output.write(drawn(shown, each.line))
            total += each.match
        return total

    def _through(self, block: Block) -> Iterator[_Shown]:
        lines = _Lines(block)
        at = 0
        for number in range(len(lines)) if self._plan is None else self._plan.select(block.data):
            yield from self._between(lines, at, number)
            yield from self._match(lines.line(number))
            at = number + 1
        yield from self._between(lines, at, len(lines))

    def _between(self, lines: "_Lines", start: int, stop: int) -> Iterator[_Shown]:
        """Take lines that do not match: those after a match are given, the last ones are kept."""
        until = min(start + self._after, stop)
        self._after -= until - start
        for number in range(start, until):
            yield _Shown(lines.line(number), match=False, after_gap=False)
        if len(self._before) + stop - until > self._lines:
            self._left_out = True
        self._before.extend(map(lines.line, range(max(until, stop - self._lines), stop)))

    def _match(self, line: Block) -> Iterator[_Shown]:
        gap = self._begun and self._left_out
        for before in self._before:
            yield _Shown(before, match=False, after_gap=gap)
            gap = False
        yield _Shown(line, match=True, after_gap=gap)
        self._before.clear()
        self._begun, self._left_out, self._after = True, False, self._lines

    def _newest(self, every: Iterable[_Shown], count: int) -> Iterable[_Shown]:
        """Return the last `count` matches and what is around them."""
        kept: deque[_Shown] = deque()
        matches = 0
        for each in every:
            kept.append(each)
            matches += each.match
            if matches > count:
                matches -= 1
                self._drop_first(kept)
        return kept

    def _drop_first(self, kept: deque[_Shown]) -> None:
        """Take the first match for a line like others, and drop what is around no other one."""
        first, second = islice((number for number, each in enumerate(kept) if each.match), 2)
        kept[first] = kept[first]._replace(match=False)
        for _ in range(second - self._lines):
            kept.popleft()
        kept[0] = kept[0]._replace(after_gap=False)


class _Lines:
    """The lines of a block, each as a block of its own once it is asked for."""

    def __init__(self, block: Block) -> None:
        self._block = block
        self._lines = block.data[:-1].split(b"\n")

    def __len__(self) -> int:
        return len(self._lines)

    def line(self, number: int) -> Block:
        """Return a line."""
        if self._block.size > len(self._block.data):
            return self._block
        data = self._lines[number] + b"\n"
        return self._block._replace(data=data, size=len(data))
