"""A log file that is followed through everything that log rotation does to it."""

import os
import stat
import time
from collections.abc import Callable
from pathlib import Path

from console.lines import Line, LineSplitter

__all__ = ["TAIL_BYTES", "FileSource"]

TAIL_BYTES = 256 * 1024
_SLICE = 1024 * 1024
_FINGERPRINT = 64
# A rotated file is read on for this long: its writer may not have been told to reopen yet.
_RETIRE_SECONDS = 5.0


class FileSource:
    """Follows one path: its tail first, then every new line once, in the order written.

    Survives rename+create, delete+recreate, copytruncate and a file that is not there yet.
    `state` says in a few words what stands in the way, and is empty while all is well.
    """

    def __init__(self, path: Path, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.path = path
        self.state = ""
        self.truncations = 0
        self._clock = clock
        self._current: _OpenFile | None = None
        self._retired: list[tuple[_OpenFile, float]] = []
        self._first = True

    def poll(self) -> list[Line]:
        """Return the lines completed since the last call; at most about 1 MB of each file."""
        lines = self._poll_retired()
        if self._current is None:
            self._current = self._open()
        current = self._current
        if current is None:
            return lines
        # The path is looked at before the file is read: whatever was written before a rename is
        # then read from the old file before the new one is opened.
        replaced = self._replaced(current)
        lines += current.read()
        self.truncations += current.take_truncations()
        if replaced and current.at_end:
            self._retired.append((current, self._clock() + _RETIRE_SECONDS))
            self._current = self._open()
        return lines

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return self._current is not None and not self._current.at_end

    def close(self) -> None:
        """Close every file that is open."""
        for opened in [self._current, *(opened for opened, _ in self._retired)]:
            if opened is not None:
                opened.close()
        self._current, self._retired = None, []

    def _poll_retired(self) -> list[Line]:
        lines: list[Line] = []
        remaining: list[tuple[_OpenFile, float]] = []
        for opened, until in self._retired:
            lines += opened.read()
            if opened.at_end and self._clock() >= until:
                lines += opened.finish()
            else:
                remaining.append((opened, until))
        self._retired = remaining
        return lines

    def _open(self) -> "_OpenFile | None":
        # Only the very first look starts at the tail: a file that appears later is all new.
        first, self._first = self._first, False
        try:
            opened = _OpenFile(self.path, tail=first)
        except FileNotFoundError:
            self.state = "no such file yet"
        except OSError as error:
            self.state = (error.strerror or str(error)).lower()
        else:
            self.state = ""
            return opened
        return None

    def _replaced(self, current: "_OpenFile") -> bool:
        try:
            found = self.path.stat()
        except FileNotFoundError:
            self.state = "removed; waiting for a new one"
            return False
        except OSError as error:
            self.state = (error.strerror or str(error)).lower()
            return False
        self.state = ""
        return (found.st_dev, found.st_ino) != current.identity


class _OpenFile:
    """A descriptor, how far it has been read, and what is left of its last line."""

    def __init__(self, path: Path, *, tail: bool) -> None:
        # Without O_NONBLOCK, opening a pipe would wait for its writer.
        self._fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        found = os.fstat(self._fd)
        if not stat.S_ISREG(found.st_mode):
            os.close(self._fd)
            raise OSError(0, "not a regular file")
        self.identity = (found.st_dev, found.st_ino)
        self.at_end = False
        self._splitter = LineSplitter()
        self._truncations = 0
        self._offset = max(found.st_size - TAIL_BYTES, 0) if tail else 0
        self._skip_first = self._offset > 0
        self._last = b""

    def read(self) -> list[Line]:
        """Return the lines that the next slice of the file completes."""
        # The last bytes already read are read again with the new ones: when they differ, the file
        # was truncated and has grown past this offset since, which its size does not tell.
        block = os.pread(self._fd, _SLICE + len(self._last), self._offset - len(self._last))
        self.at_end = len(block) < _SLICE + len(self._last)
        if not block.startswith(self._last):
            lines = self._splitter.finish()
            self._truncations += 1
            self._offset, self._last, self.at_end = 0, b"", False
            return lines
        chunk = block[len(self._last) :]
        self._offset += len(chunk)
        self._last = block[-_FINGERPRINT:]
        if self._skip_first:
            # The tail begins inside a line.
            _, newline, chunk = chunk.partition(b"\n")
            self._skip_first = not newline
        return self._splitter.feed(chunk) if chunk else []

    def take_truncations(self) -> int:
        """Return how often the file was found truncated since the last call."""
        count, self._truncations = self._truncations, 0
        return count

    def finish(self) -> list[Line]:
        """Close the file and return the line that never got its newline, if there is one."""
        self.close()
        return self._splitter.finish()

    def close(self) -> None:
        """Close the descriptor."""
        os.close(self._fd)
