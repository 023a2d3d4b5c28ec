"""The job of the index: how many lines begin in each slice, of which levels, and when."""

from collections import Counter

import msgspec

from console.lines import LINE_LIMIT, Line
from console.logs.files.blocks import slice_of
from console.logs.records.levels import LEVELS
from console.logs.records.record import decode
from console.logs.records.wanted import Columns

__all__ = ["Counting", "SliceCounts", "decode_counts"]

# So many lines are looked at for the first time of a slice.
_LINES = 16


class SliceCounts(msgspec.Struct, array_like=True):
    """Of one slice: its lines, those of each of LEVELS (others have none), and its first time."""

    number: int
    lines: int
    levels: list[int]
    time: float | None


_encoder = msgspec.msgpack.Encoder()
decode_counts = msgspec.msgpack.Decoder(list[SliceCounts]).decode


class Counting:
    """Counts the lines of each slice, all of them and by level."""

    def __init__(self) -> None:
        self._columns = Columns(["level"])
        self._slices: dict[int, SliceCounts] = {}

    def add(self, block: bytes, offset: int) -> None:
        """Take in a block of whole lines."""
        number = slice_of(offset)
        counts = self._slices.get(number)
        if counts is None:
            counts = SliceCounts(number, 0, [0] * len(LEVELS), _first_time(block))
            self._slices[number] = counts
        (levels,) = self._columns(block)
        counts.lines += len(levels)
        found = Counter(levels)
        for at, level in enumerate(LEVELS):
            counts.levels[at] += found[level]

    def take(self) -> bytes:
        """Return what was counted, encoded; `decode_counts` reads it."""
        slices, self._slices = list(self._slices.values()), {}
        return _encoder.encode(slices)


def _first_time(block: bytes) -> float | None:
    for raw in block.split(b"\n", _LINES)[:_LINES]:
        if (at := decode(Line(raw[:LINE_LIMIT], len(raw))).at) is not None:
            return at
    return None
