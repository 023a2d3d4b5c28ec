"""Where log lines end: a file, followed by its name, or a stream that is open already.

Other processes write to the same place, and none puts a line inside another's: a file is opened for
appending, a pipe gets whole lines of at most PIPE_BUF bytes at once, and a lock of the kernel's,
which ends with its process, is held for what is longer, or cut short by a full disk.
"""

import errno
import os
import select
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Protocol

if sys.platform != "win32":
    import fcntl

PIPE_BUF: int = getattr(select, "PIPE_BUF", 512)
# A process that is stopped while it holds the lock must not silence the others for longer; after
# that they do without, until it can be had at once.
LOCK_LIMIT = 1.0
LOCK_STEP = 0.002
# How often lines may meet a file deleted under them before they count as written.
DELETIONS = 3

Place = tuple[int, int]


class Unwritten(OSError):  # noqa: N818  # what it is, beside why
    """Not all lines were written; `rest` begins with the one that was cut."""

    def __init__(self, error: OSError, rest: bytes) -> None:
        super().__init__(error.errno, error.strerror)
        self.rest = rest


class Target(Protocol):
    """Where lines end."""

    place: Place | None
    """What tells two names of one file or pipe apart from two; None where it is not open."""

    def write(self, lines: bytes, patience: float | None) -> None:
        """Writes whole lines; waits for a reader, no longer than `patience` seconds.

        Raises `Unwritten`, or another `OSError` when none were written.
        """

    def release(self) -> None:
        """Holds nothing open until the next line."""


class StreamTarget:
    """A descriptor that is open already, like standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._turn = Turn()
        self.place: Place | None = None
        with suppress(OSError):
            self.place = _place(os.fstat(descriptor))

    def write(self, lines: bytes, patience: float | None) -> None:
        """As `Target.write`."""
        write_lines(self._descriptor, lines, self._turn, patience)

    def release(self) -> None:
        """Nothing: others opened it."""


class FileTarget:
    """A file opened for appending, followed by its name when it is rotated away or deleted."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._descriptor: int | None = None
        self._turn = Turn()
        self.place: Place | None = None

    def write(self, lines: bytes, patience: float | None) -> None:
        """As `Target.write`. Lines that went to a deleted file are written to the next one too."""
        for _ in range(DELETIONS):
            descriptor = self._current()
            write_lines(descriptor, lines, self._turn, patience)
            if os.fstat(descriptor).st_nlink or not self._is_rotated(descriptor):
                return

    def release(self) -> None:
        """Closes the file, so that one rotated away and deleted takes no space."""
        if self._descriptor is not None:
            held, self._descriptor = self._descriptor, None
            os.close(held)

    def _current(self) -> int:
        held = self._descriptor
        if held is None or self._is_rotated(held):
            self._descriptor = fresh = self._opened()
            self.place = _place(os.fstat(fresh))
            if held is not None:
                os.close(held)
            return fresh
        return held

    def _is_rotated(self, descriptor: int) -> bool:
        try:
            return _place(self._path.stat()) != _place(os.fstat(descriptor))
        except FileNotFoundError:
            return True

    def _opened(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        if self._path.is_fifo():
            # Without a reader this fails, where a blocking open would wait for one.
            return os.open(self._path, os.O_WRONLY | os.O_NONBLOCK)
        flags = os.O_APPEND | os.O_CREAT
        try:
            return os.open(self._path, os.O_RDWR | flags, 0o640)
        except PermissionError:  # reading only serves to find a line that somebody left unfinished
            return os.open(self._path, os.O_WRONLY | flags, 0o640)


def _place(found: os.stat_result) -> Place:
    return found.st_dev, found.st_ino


class Turn:
    """A lock between the processes that write to one place, each of which holds it for moments."""

    def __init__(self) -> None:
        self._waits = True

    @contextmanager
    def on(self, descriptor: int, until: float | None) -> Iterator[bool]:
        """Holds it during the block; False where it could not be had, or there are no locks."""
        locked = self._locked(descriptor, until)
        try:
            yield locked
        finally:
            if locked:
                with suppress(OSError):
                    fcntl.lockf(descriptor, fcntl.LOCK_UN)

    def _locked(self, descriptor: int, until: float | None) -> bool:
        if sys.platform == "win32":
            return False
        # Only time in which it takes lines counts: before, the one that holds the lock waits too.
        for _ in range(round(LOCK_LIMIT / LOCK_STEP) if self._waits else 1):
            _wait(descriptor, until)
            try:
                # Held by the process: descriptors its siblings inherited do not share it.
                fcntl.lockf(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except (BlockingIOError, PermissionError):
                time.sleep(LOCK_STEP)
            except OSError:
                return False
            else:
                self._waits = True
                return True
        self._waits = False
        return False


def write_lines(descriptor: int, lines: bytes, turn: Turn, patience: float | None = None) -> None:
    """As `Target.write`, to an open descriptor, which may be one that does not block."""
    until = None if patience is None else time.monotonic() + patience
    is_file = stat.S_ISREG(os.fstat(descriptor).st_mode)
    view = memoryview(lines)
    start = 0
    while start < len(lines):
        end = len(lines) if is_file else _end_of_piece(lines, start)
        at = start
        try:
            with turn.on(descriptor, until) as locked:
                try:
                    if is_file and locked:
                        _end_unfinished_line(descriptor)
                    while at < end:
                        at += _write_some(descriptor, view[at:end], until)
                except OSError:
                    if is_file and locked:
                        _take_back(descriptor, at - _start_of_line(lines, start, at))
                    raise
        except OSError as error:
            raise Unwritten(error, lines[_start_of_line(lines, start, at) :]) from error
        start = end


def _start_of_line(lines: bytes, start: int, at: int) -> int:
    newline = lines.rfind(b"\n", start, at)
    return start if newline < 0 else newline + 1


def _end_of_piece(lines: bytes, start: int) -> int:
    """After as many whole lines as a pipe takes in one piece, or after one that is longer."""
    if len(lines) - start <= PIPE_BUF:
        return len(lines)
    newline = lines.rfind(b"\n", start, start + PIPE_BUF)
    if newline < 0:
        newline = lines.find(b"\n", start + PIPE_BUF)
    return newline + 1 or len(lines)


def _wait(descriptor: int, until: float | None) -> None:
    """Returns once the descriptor takes something, or has failed."""
    if sys.platform == "win32":
        return
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    limit = None if until is None else max(0.0, until - time.monotonic()) * 1000
    if not poll.poll(limit):
        raise TimeoutError(errno.ETIMEDOUT, "it takes nothing")


def _write_some(descriptor: int, data: memoryview, until: float | None) -> int:
    while True:
        _wait(descriptor, until)
        try:
            return os.write(descriptor, data)
        except BlockingIOError:  # less room than it takes; whoever shares it may have been quicker
            time.sleep(LOCK_STEP)


def _end_unfinished_line(descriptor: int) -> None:
    """Ends what a process that was killed left behind, so that it takes no other line with it."""
    try:
        size = os.fstat(descriptor).st_size
        last = os.pread(descriptor, 1, size - 1) if size else b"\n"
    except OSError:  # opened for writing only
        return
    if last not in {b"\n", b""}:
        os.write(descriptor, b"\n")


def _take_back(descriptor: int, length: int) -> None:
    """Removes the part of a line that was last written, unless somebody has appended to it."""
    if length:
        with suppress(OSError):
            end = os.lseek(descriptor, 0, os.SEEK_CUR)
            if end == os.fstat(descriptor).st_size:
                os.ftruncate(descriptor, end - length)
                os.lseek(descriptor, end - length, os.SEEK_SET)
