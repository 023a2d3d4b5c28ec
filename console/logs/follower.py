"""The thread that reads: it polls the sources and hands batches of lines over."""

import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path

from console.lines import Line
from console.logs.sources import FileSource

__all__ = ["Follower"]

_ACTIVE_SECONDS = 0.05
_IDLE_SECONDS = 0.2
_IDLE_AFTER = 20
# The reader waits when this many lines have not been fetched; they stay in the file meanwhile.
_PENDING_LINES = 50_000


class Follower:
    """Follows files in a thread. `drain()` may be called from any other thread."""

    def __init__(self, paths: Iterable[Path]) -> None:
        self.sources = tuple(FileSource(path) for path in paths)
        self._pending: deque[Line] = deque()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run, name="log-follower", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        if self.sources:
            self._thread.start()

    def stop(self) -> None:
        """End the thread and close the files."""
        self._stop.set()
        if self._thread.is_alive():
            self._thread.join()
        for source in self.sources:
            source.close()

    def drain(self, limit: int) -> list[Line]:
        """Return at most `limit` lines read and not yet fetched, oldest first."""
        return [self._pending.popleft() for _ in range(min(len(self._pending), limit))]

    @property
    def truncations(self) -> int:
        """How often a file was truncated in place; lines written just before may be lost."""
        return sum(source.truncations for source in self.sources)

    def _run(self) -> None:
        quiet = 0
        while not self._stop.is_set():
            full = len(self._pending) >= _PENDING_LINES
            found = [] if full else [line for s in self.sources for line in self._poll(s)]
            self._pending.extend(found)
            quiet = 0 if found else quiet + 1
            if full or not any(source.behind for source in self.sources):
                self._stop.wait(_ACTIVE_SECONDS if quiet < _IDLE_AFTER else _IDLE_SECONDS)

    @staticmethod
    def _poll(source: FileSource) -> list[Line]:
        try:
            return source.poll()
        except OSError as error:
            # A disk or network mount may fail for a while; the thread must outlive it.
            source.state = (error.strerror or str(error)).lower()
            return []
