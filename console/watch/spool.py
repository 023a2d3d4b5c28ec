"""Lines that cannot be read again where they came from, kept in a file that has no name."""

import os
import tempfile
from collections.abc import Iterable
from pathlib import Path

from console.logs.files.log_file import LogFile
from console.logs.sources.block import Block

__all__ = ["LIMIT", "Spool"]

LIMIT = 256 * 1024 * 1024
"""Bytes that are kept; when there are more, the older half is forgotten."""
_COPY = 4 * 1024 * 1024


class Spool:
    """Keeps the newest lines of pipes, commands and archives where they can be read by offset.

    `log` is the file to read them from: another one each time the older half was forgotten.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        """Make the file. Raises OSError."""
        self.forgotten = 0
        """Bytes that are no longer kept."""
        self.problem = ""
        """Why lines are missing; empty when none are."""
        self._limit = limit
        self._size = 0
        self._descriptor, self.log = _new()

    def add(self, blocks: Iterable[Block]) -> None:
        """Keep more lines; never fails, but tells its `problem`."""
        try:
            for block in blocks:
                if self._size and self._size + len(block.data) > self._limit:
                    self._forget_half()
                _write(self._descriptor, block.data)
                self._size += len(block.data)
        except OSError as error:
            self.problem = f"lines are lost: {(error.strerror or 'cannot be kept').lower()}"
            self._cut_to_size()

    def close(self) -> None:
        """Write no more; the file is gone with the last reader of `log`."""
        os.close(self._descriptor)

    def _forget_half(self) -> None:
        self.log.refresh()
        start = self._newline_after(self._size // 2)
        descriptor, log = _new()
        for offset in range(start, self._size, _COPY):
            _write(descriptor, self.log.read(offset, min(_COPY, self._size - offset)))
        os.close(self._descriptor)
        self._descriptor, self.log = descriptor, log
        self.forgotten += start
        self._size -= start

    def _newline_after(self, offset: int) -> int:
        while block := self.log.read(offset, _COPY):
            found = block.find(b"\n")
            if found >= 0:
                return offset + found + 1
            offset += len(block)
        return self._size

    def _cut_to_size(self) -> None:
        # Half a line would be taken for the beginning of the next one.
        os.ftruncate(self._descriptor, self._size)
        os.lseek(self._descriptor, self._size, os.SEEK_SET)


def _new() -> tuple[int, LogFile]:
    with tempfile.TemporaryFile(prefix="opsconsole-") as file:
        descriptor = os.dup(file.fileno())
    return descriptor, LogFile(os.dup(descriptor), Path("spool"))


def _write(descriptor: int, data: bytes) -> None:
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]
