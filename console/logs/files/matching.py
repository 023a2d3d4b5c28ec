"""The job of a search: which lines of each slice match a filter."""

from array import array
from collections.abc import Iterator, Sequence
from typing import NamedTuple

import msgspec

from console.logs.files.blocks import slice_of
from console.logs.filters import plan
from console.logs.filters.parser import reread

__all__ = ["FEW", "Matcher", "SliceMatches", "decode"]

FEW = 8
"""Where so many lines of a slice match, or fewer, their offsets are kept. Where more do, a few
slices fill a screen, and to read those again takes less than to note the offsets in all of them."""


class SliceMatches(NamedTuple):
    """How many lines of a slice match, and the offsets of their beginnings as an array of 64-bit
    integers, ascending: all of them or, when there are more than FEW, maybe none."""

    number: int
    matches: int
    packed: bytes


_encoder = msgspec.msgpack.Encoder()
_decoder = msgspec.msgpack.Decoder(list[SliceMatches])
decode = _decoder.decode


class Matcher:
    """Notes which lines match. `every`: the offsets of all of them, however many."""

    def __init__(self, text: str, *, every: bool = False) -> None:
        """`text` is a filter without limits of time. Raises FilterError."""
        self._plan = plan.compile(reread(text).expression)
        self._every = every
        self._found: list[SliceMatches] = []
        self._number = -1
        self._count = 0
        self._blocks: list[tuple[int, bytes, list[int]]] = []

    def add(self, block: bytes, offset: int) -> None:
        """Take in a block of whole lines."""
        if slice_of(offset) != self._number:
            self._close_slice()
            self._number = slice_of(offset)
        if not self._wanted:
            self._count += self._plan.count(block)
        elif numbers := self._plan.select(block):
            self._count += len(numbers)
            self._blocks.append((offset, block, numbers))

    def take(self) -> bytes:
        """Return the slices that have matches, encoded; `decode` reads it."""
        self._close_slice()
        found, self._found, self._number = self._found, [], -1
        return _encoder.encode(found)

    @property
    def _wanted(self) -> bool:
        return self._every or self._count <= FEW

    def _close_slice(self) -> None:
        if self._count:
            offsets = array("q")
            for offset, block, numbers in self._blocks if self._wanted else ():
                offsets.extend(_starts(block, offset, numbers))
            self._found.append(SliceMatches(self._number, self._count, offsets.tobytes()))
        self._count = 0
        self._blocks.clear()


def _starts(block: bytes, offset: int, numbers: Sequence[int]) -> Iterator[int]:
    """Yield where the lines of these numbers begin; the block begins at `offset`."""
    lines = block.split(b"\n", numbers[-1])
    before = 0
    for number in numbers:
        offset += sum(map(len, lines[before:number])) + number - before
        before = number
        yield offset
