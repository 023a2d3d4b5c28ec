"""The job of the index: how many lines begin in each slice."""

from collections import defaultdict

import msgspec

from console.logs.files.blocks import count_lines, slice_of

__all__ = ["Counting", "decode_counts"]

_encoder = msgspec.msgpack.Encoder()
decode_counts = msgspec.msgpack.Decoder(dict[int, int]).decode
"""Reads a state: the number of lines by that of the slice."""


class Counting:
    """Counts the lines of each slice."""

    def __init__(self) -> None:
        self._lines: dict[int, int] = defaultdict(int)

    def add(self, block: bytes, offset: int) -> None:
        """Take in a block of whole lines."""
        self._lines[slice_of(offset)] += count_lines(block)

    def take(self) -> bytes:
        """Return what was counted, encoded; `decode_counts` reads it."""
        encoded = _encoder.encode(self._lines)
        self._lines.clear()
        return encoded
