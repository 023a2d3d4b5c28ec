"""Whole lines, many at a time: what sources hand over, so that a line costs nothing until shown."""

from collections.abc import Iterator
from typing import NamedTuple

from console.lines import LINE_LIMIT, WHOLE_LINE, Line

__all__ = ["HEAD", "LAST", "SLICE", "Block", "Generation", "Splitter"]

SLICE = 256 * 1024
"""Bytes that are read at a time."""
HEAD = 256
"""Bytes at the beginning of a file that tell it from others: a time and an id are among them."""
LAST = 1024
"""Bytes before a place that tell whether it is still the same."""


class Generation:
    """One of the files that a path has named in turn; `head` is its first HEAD bytes."""

    __slots__ = ("device", "head", "inode")

    def __init__(self, device: int, inode: int, head: bytes = b"") -> None:
        self.device = device
        self.inode = inode
        self.head = head

    @property
    def identity(self) -> tuple[int, int]:
        """Device and inode; only good while the file exists, for inodes are used again."""
        return self.device, self.inode


class Block(NamedTuple):
    """Lines of one source, in order, each ended by a newline.

    `size` is how many bytes of the source the block stands for, `end` their end in `generation`
    (or in the stream, when that is None). A line longer than WHOLE_LINE is a block of its own:
    `data` holds its beginning, `size` all of it. A last line that never got its newline has one
    in `data`, and none in `size`.
    """

    data: bytes
    source: str
    size: int
    end: int
    generation: Generation | None = None

    @property
    def line_count(self) -> int:
        """How many lines there are."""
        return self.data.count(b"\n")

    @property
    def whole(self) -> bool:
        """Whether `data` is just what the source holds."""
        return self.size == len(self.data)

    def lines(self) -> list[Line]:
        """The lines, one by one, without their newlines."""
        if self.size > len(self.data):
            return [Line(self.data[:-1], self.size - 1)]
        lines = [Line(raw, len(raw)) for raw in self.data.split(b"\n")]
        del lines[-1]
        return lines

    def split(self, count: int) -> tuple["Block", "Block"]:
        """The first `count` lines, and the others; there must be more than `count`."""
        rest = self.data.split(b"\n", count)[-1]
        head = len(self.data) - len(rest)
        return (
            self._replace(data=self.data[:head], size=head, end=self.end - self.size + head),
            self._replace(data=rest, size=self.size - head),
        )


class Splitter:
    """Cuts chunks after their last newline and holds the unfinished line back.

    Of a line longer than `limit` bytes only the beginning is held.
    """

    def __init__(self, limit: int = WHOLE_LINE) -> None:
        self.held = 0
        """How many bytes the unfinished line has had so far."""
        self._limit = limit
        # Long lines come in small pieces: bytes would be copied anew for each.
        self._kept = bytearray()

    @property
    def overlong(self) -> bool:
        """Whether the unfinished line is longer than LINE_LIMIT: its end may be far."""
        return self.held > LINE_LIMIT

    def feed(self, chunk: bytes) -> Iterator[tuple[bytes, int]]:
        """Give the lines that `chunk` completes, as `Block.data` and `Block.size`."""
        cut = chunk.rfind(b"\n") + 1
        if not cut:
            self._hold(chunk)
            return
        begin = 0
        if self.held > self._limit:
            begin = chunk.index(b"\n") + 1
            size = self.held + begin
            yield self._take() + b"\n", size
        whole = self._take() + chunk[begin:cut] if self.held or begin else chunk[:cut]
        self._hold(chunk[cut:])
        if whole:
            yield from _pieces(whole, self._limit)

    def finish(self) -> Iterator[tuple[bytes, int]]:
        """Give the unfinished line, if there is one: nothing more will follow it."""
        if size := self.held:
            yield self._take() + b"\n", size

    def _hold(self, part: bytes) -> None:
        self.held += len(part)
        if len(self._kept) < self._limit:
            self._kept += part[: self._limit - len(self._kept)]

    def _take(self) -> bytes:
        kept, self._kept, self.held = bytes(self._kept), bytearray(), 0
        return kept


def _pieces(data: bytes, limit: int) -> Iterator[tuple[bytes, int]]:
    """Cut whole lines where one is longer than `limit`, in few and cheap steps."""
    begin = at = 0
    while len(data) - at > limit + 1:
        newline = data.rfind(b"\n", at, at + limit + 1)
        if newline >= 0:
            at = newline + 1
            continue
        after = data.index(b"\n", at) + 1
        if at > begin:
            yield data[begin:at], at - begin
        yield data[at : at + limit] + b"\n", after - at
        begin = at = after
    if begin < len(data):
        yield data[begin:], len(data) - begin
