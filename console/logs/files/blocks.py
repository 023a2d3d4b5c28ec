"""A file in slices, and the blocks of whole lines within them: the unit of every scan."""

import os
from collections.abc import Iterator

__all__ = ["SLICE", "blocks", "count_lines", "slice_of"]

SLICE = 1024 * 1024
"""Bytes of a slice. A line belongs to the slice it begins in, so that slices can be scanned in any
order and by any process without counting a line twice."""

# Large enough that a block's fixed costs do not show, small enough for the processor's cache.
_BLOCK = 256 * 1024
# So much of a line is searched; the rest of a longer one is skipped.
_LONGEST = 16 * 1024 * 1024
_LARGE_STEP = 1024 * 1024


def slice_of(offset: int) -> int:
    """Return the number of the slice that `offset` lies in."""
    return offset // SLICE


def blocks(descriptor: int, start: int, stop: int, end: int) -> Iterator[tuple[int, bytes]]:
    """Yield the lines that begin in `start` to `stop`, as (offset, block) in ascending order.

    A block is whole lines, the last of them perhaps without a newline where the file ends at `end`
    or the line is longer than 16 MiB. No block holds lines of two slices. Raises OSError.
    """
    offset = _behind_newline(descriptor, start - 1, min(stop, end)) if start > 0 else 0
    while offset < min(stop, end):
        edge = min(offset + _BLOCK, (slice_of(offset) + 1) * SLICE, stop, end)
        following = _behind_newline(descriptor, edge - 1, end)
        # Read at once to exactly where its last line ends: nothing is cut off or put together.
        block = _read(descriptor, offset, min(following - offset, _BLOCK + _LONGEST))
        if not block:
            return
        yield offset, block
        offset = following


def count_lines(block: bytes) -> int:
    """Return how many lines a block has; its last one may lack the newline."""
    return block.count(b"\n") + (not block.endswith(b"\n"))


def _behind_newline(descriptor: int, offset: int, end: int) -> int:
    """Return the offset behind the first newline at or after `offset`; `end` if there is none."""
    step = 4096
    while offset < end:
        chunk = os.pread(descriptor, min(step, end - offset), offset)
        found = chunk.find(b"\n")
        if found >= 0:
            return offset + found + 1
        if not chunk:
            break
        offset += len(chunk)
        step = min(step * 4, _LARGE_STEP)
    return end


def _read(descriptor: int, offset: int, size: int) -> bytes:
    block = os.pread(descriptor, size, offset)
    # A network file system may give less than it has.
    while block and len(block) < size:
        more = os.pread(descriptor, size - len(block), offset + len(block))
        if not more:
            break
        block += more
    return block
