"""Log lines on their way to a descriptor, so that no request waits for a disk."""

import atexit
import os
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Protocol

# Lines that may wait; past that the caller writes them itself, which slows it but loses nothing.
LIMIT = 10_000
# The thread gathers lines for this long: one wake-up and one write for many of them.
GATHER = 0.02
ROTATION_CHECK = 1.0


class Target(Protocol):
    """Where lines end. `descriptor` may open or reopen; it raises `OSError` when it cannot."""

    def descriptor(self) -> int: ...


class StreamTarget:
    """A descriptor that is open already, like standard output."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor

    def descriptor(self) -> int:
        """The descriptor."""
        return self._descriptor


class FileTarget:
    """A file opened for appending, followed by its name when it is rotated away."""

    def __init__(self, path: str) -> None:
        self._path = Path(path)
        self._descriptor: int | None = None
        self._checked = 0.0

    def descriptor(self) -> int:
        """The descriptor of the file that has the name now."""
        now = time.monotonic()
        if self._descriptor is not None and now - self._checked < ROTATION_CHECK:
            return self._descriptor
        self._checked = now
        if self._descriptor is None or self._rotated(self._descriptor):
            self._descriptor = self._reopened()
        return self._descriptor

    def _rotated(self, descriptor: int) -> bool:
        try:
            named = self._path.stat()
        except FileNotFoundError:
            return True
        held = os.fstat(descriptor)
        return (named.st_dev, named.st_ino) != (held.st_dev, held.st_ino)

    def _reopened(self) -> int:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        # O_APPEND: several processes' writes follow one another, none lands inside another.
        fresh = os.open(self._path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o640)
        if self._descriptor is not None:
            os.close(self._descriptor)
        return fresh


class Writer:
    """A bounded queue before a `Target`, emptied by a thread of its own."""

    def __init__(self, target: Target) -> None:
        self._target = target
        self._lines: deque[bytes] = deque()
        self._pending = threading.Event()
        self._writing = threading.Lock()
        self._started = False
        self._failing = False
        atexit.register(self.flush)
        if hasattr(os, "register_at_fork"):
            os.register_at_fork(after_in_child=self._forget_the_parents)

    def write(self, line: bytes) -> None:
        """Queues one whole line, its newline included."""
        self._lines.append(line)
        if not self._pending.is_set():
            if not self._started:
                self._started = True
                threading.Thread(target=self._run, name="log-writer", daemon=True).start()
            self._pending.set()
        if len(self._lines) > LIMIT:
            self.flush()

    def flush(self) -> None:
        """Returns once the lines queued before are written."""
        with self._writing:
            lines = b"".join(self._lines.popleft() for _ in range(len(self._lines)))
            if lines:
                self._put(lines)

    def _forget_the_parents(self) -> None:
        """A fork copies the queue, which the parent writes, but not its thread."""
        self._lines.clear()
        self._pending = threading.Event()
        self._writing = threading.Lock()
        self._started = False

    def _run(self) -> None:
        while True:
            self._pending.wait()
            time.sleep(GATHER)
            self._pending.clear()
            self.flush()

    def _put(self, lines: bytes) -> None:
        try:
            _write_all(self._target.descriptor(), lines)
        except OSError as error:
            if not self._failing:
                self._failing = True
                notice = f"log output failed ({error.strerror}): lines go to standard error\n"
                _write_all(sys.stderr.fileno(), notice.encode(), quiet=True)
            _write_all(sys.stderr.fileno(), lines, quiet=True)
        else:
            self._failing = False


def _write_all(descriptor: int, data: bytes, *, quiet: bool = False) -> None:
    view = memoryview(data)
    try:
        while view:
            view = view[os.write(descriptor, view) :]
    except OSError:
        if not quiet:
            raise
