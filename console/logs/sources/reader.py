"""One open file, read from an offset to its end, through truncation in place."""

import os
import stat
from pathlib import Path

from msgspec.structs import replace

from console.logs.sources.block import HEAD, LAST, SLICE, Block, Generation, Splitter
from console.logs.sources.block_reader import BlockReader
from console.logs.sources.position import Fingerprint

__all__ = ["TAIL_BYTES", "FileReader", "open_regular"]

TAIL_BYTES = 256 * 1024
_LITTLE = 32 * 1024


def open_regular(path: Path) -> int:
    """Open a file to read; raises OSError, also when it is a folder, a pipe or a device."""
    # Without O_NONBLOCK, opening a pipe would wait for its writer.
    fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise OSError(0, "not a regular file")
    return fd


class FileReader(BlockReader):
    """A file that is being written to, and may be truncated in place.

    Raises OSError when it cannot be opened. After a `read()` that finds the file `truncated`,
    `place` still tells where reading was.
    """

    def __init__(self, path: Path, source: str, *, tail: bool = False) -> None:
        self.fd = open_regular(path)
        try:
            found, head = os.fstat(self.fd), os.pread(self.fd, HEAD, 0)
        except OSError:
            os.close(self.fd)
            raise
        super().__init__(source, Generation(found.st_dev, found.st_ino, head))
        self._offset = max(found.st_size - TAIL_BYTES, 0) if tail else 0
        # The tail begins inside a line.
        self._skip_first = tail and self._offset > 0
        self._hole = False
        self._last = b""
        self._given = self._offset

    def has(self, copy: "FileReader") -> bool:
        """Whether all that is in another file is in this one as well, at the same place."""
        try:
            size = os.fstat(copy.fd).st_size
            before = os.pread(copy.fd, LAST, max(size - LAST, 0))
            place = replace(copy.place, offset=size, before=Fingerprint.of(before))
            if not place.holds_in(self.fd):
                return False
            head = os.pread(self.fd, HEAD, 0)
        except OSError:
            return False
        if head.startswith(self.generation.head):
            # It may be truncated before it is read: by its first bytes, that will be noticed.
            self.generation.head = head
        return True

    def skip(self, offset: int) -> None:
        """Begin at `offset`, where a line begins."""
        self._offset = self._given = offset

    def read(self) -> list[Block]:
        """Return the lines that the next slice of the file completes."""
        # The first bytes and the last ones already read are read again: when they differ, the file
        # was truncated and has grown past this offset since, which its size does not tell.
        generation, known = self.generation, len(self._last)
        head = os.pread(self.fd, HEAD, 0)
        # There is seldom much after the end, and room for little is had faster.
        wanted = known + (_LITTLE if self.at_end else SLICE)
        data = os.pread(self.fd, wanted, self._offset - known)
        self.at_end = len(data) < wanted
        if not (head.startswith(generation.head) and data.startswith(self._last)):
            self.truncated, self.at_end = True, False
            return []
        generation.head = head
        if len(data) == known:
            return []
        self._last = data[-LAST:]
        chunk = data[known:]
        self._offset += len(chunk)
        if self._hole or self._skip_first:
            chunk = self._begin(chunk)
        return self._blocks(self._splitter.feed(chunk))

    def restart(self) -> None:
        """Begin again at the start of a file that was truncated."""
        self.generation = Generation(*self.generation.identity)
        self.truncated = self.at_end = False
        self._splitter = Splitter()
        self._last = self._before = b""
        self._skip_first, self._hole = False, True
        self.skip(0)
        try:
            self.generation.head = os.pread(self.fd, HEAD, 0)
            # A writer that keeps its offset through the truncation leaves a hole, perhaps of
            # gigabytes.
            self.skip(os.lseek(self.fd, 0, os.SEEK_DATA))
        except OSError:
            # There is no data yet, or the file system does not know where.
            return

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self.fd)

    def _begin(self, chunk: bytes) -> bytes:
        """Return what is left of the first chunk without a line cut in two, or without a hole."""
        if self._skip_first and not chunk.startswith(b"\0"):
            _, newline, rest = chunk.partition(b"\n")
            self._skip_first = not newline
        else:
            rest = chunk.lstrip(b"\0")
            self._skip_first, self._hole = False, not rest
        self._given += len(chunk) - len(rest)
        return rest
