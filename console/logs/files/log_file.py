"""One file held open and read by offset, however large it is and whatever rotation does to it."""

import os
import stat
from pathlib import Path
from typing import Literal

__all__ = ["Change", "LogFile"]

Change = Literal["", "removed", "replaced", "truncated"]

_FINGERPRINT = 64
_STEP = 64 * 1024
# How far back the last newline is looked for in a file that seems to hold none.
_LONGEST = 256 * 1024 * 1024


class LogFile:
    """A file whose lines are known by their offsets.

    `size` is its length in bytes at the last `refresh()`, `end` the offset behind its last whole
    line: what its writer has not finished waits. When nothing more is going to be written
    (`whole`), a last line without its newline is one too, and `end` is `size`.

    The descriptor stays what it was opened on: after a rename its lines can still be read, and
    after a truncation in place nothing here holds any more. `refresh()` tells both.
    It is closed with the last reference to this object: a scan may still be sending it around.
    """

    def __init__(self, descriptor: int, path: Path, *, whole: bool = False) -> None:
        """Take over a regular file's descriptor. Raises OSError."""
        self.path = path
        self.descriptor = descriptor
        self.whole = whole
        self.size = 0
        self.end = 0
        found = os.fstat(descriptor)
        if not stat.S_ISREG(found.st_mode):
            raise OSError(0, "not a regular file", str(path))
        self._identity = (found.st_dev, found.st_ino)
        self._named = found.st_nlink > 0
        self._looked = max(found.st_size - _LONGEST, 0)
        self._marks: dict[int, bytes] = {}
        self._take(found.st_size)

    @classmethod
    def open(cls, path: Path, *, whole: bool = False) -> "LogFile":
        """Open a regular file. Raises OSError."""
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        return cls(descriptor, path, whole=whole)

    def read(self, offset: int, size: int) -> bytes:
        """Return the `size` bytes at `offset`; fewer where the file ends. Raises OSError."""
        block = os.pread(self.descriptor, size, offset)
        # A file system may give less than it has, and gives at most 2 GiB at a time.
        while block and len(block) < size:
            more = os.pread(self.descriptor, size - len(block), offset + len(block))
            if not more:
                break
            block += more
        return block

    def refresh(self) -> Change:
        """Take in what was written since, and return what has become of the file.

        "removed": its path is gone; "replaced": its path names another file; "truncated": its
        content is gone. In the first two cases it can still be read. Raises OSError.
        """
        size = os.fstat(self.descriptor).st_size
        if size < self.size or any(
            self.read(offset, len(mark)) != mark for offset, mark in self._marks.items()
        ):
            return "truncated"
        self._take(size)
        if not self._named:
            return ""
        try:
            found = self.path.stat()
        except FileNotFoundError:
            return "removed"
        return "" if (found.st_dev, found.st_ino) == self._identity else "replaced"

    def __del__(self) -> None:
        os.close(self.descriptor)

    def _take(self, size: int) -> None:
        if size == self.size and (self.end == size or not self.whole):
            return
        self.size = size
        self.end = size if self.whole else self._behind_last_newline()
        self._looked = size
        # The first bytes and the last ones tell a file that was truncated and has grown past its
        # old size since, which the size does not.
        last = max(size - _FINGERPRINT, 0)
        self._marks = {at: self.read(at, min(_FINGERPRINT, size - at)) for at in (0, last)}

    def _behind_last_newline(self) -> int:
        upper = self.size
        while upper > self._looked:
            lower = max(upper - _STEP, self._looked)
            found = self.read(lower, upper - lower).rfind(b"\n")
            if found >= 0:
                return lower + found + 1
            upper = lower
        return self.end
