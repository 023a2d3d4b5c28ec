"""One result over whole files: gathered in every process, merged in this one."""

import threading
from collections import deque
from collections.abc import Callable, Sequence
from typing import NamedTuple, Self

from console.logs.files.blocks import SLICE
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.workers import Piece, Workers

__all__ = ["Fold", "Part"]

_URGENCY = 2
# Pieces get smaller towards the end, so that all workers finish together.
_SHARES = 4
_SMALLEST = 8 * SLICE
_LARGEST = 64 * SLICE


class Part(NamedTuple):
    """The lines of a file that begin in `start` to `stop`."""

    log: LogFile
    start: int
    stop: int


def _nothing() -> None:
    pass


class Fold:
    """Runs a job over parts of files and gives each state it yields to `merge`.

    Every line is in exactly one state; how many states there are, and their order, is left open.
    At most `largest` bytes make one state: the smaller, the sooner there is a first one.
    `merge` and `on_change` are called from the workers' thread, one call at a time. Left as a
    context manager, it breaks off what is not done yet.
    """

    urgency = _URGENCY

    def __init__(
        self,
        parts: Sequence[Part],
        workers: Workers,
        job: Job,
        merge: Callable[[bytes], None],
        *,
        largest: int = _LARGEST,
        on_change: Callable[[], None] = _nothing,
    ) -> None:
        self.job = job
        self.total = sum(part.stop - part.start for part in parts)
        """Bytes to be looked at."""
        self.done = 0
        """Bytes that have been looked at."""
        self.problem = ""
        """Why something is missing in the result; empty when nothing is."""
        self._merge = merge
        self._largest = largest
        self._on_change = on_change
        self._rest = deque(part for part in parts if part.stop > part.start)
        self._returned: list[Piece] = []
        self._ahead = self.total
        self._finished = threading.Event()
        self._workers = workers
        self._number = workers.submit(self) if self.total else 0
        if not self.total:
            self._finished.set()

    def wait(self, seconds: float | None = None) -> bool:
        """Wait until every part has been looked at, at most so long; tell whether it has."""
        return self._finished.wait(seconds)

    def close(self) -> None:
        """Break off what is not done."""
        self._workers.withdraw(self._number)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def next_piece(self) -> Piece | None:
        """Return what is to be looked at next, from the first file to the last."""
        if self._returned:
            return self._returned.pop()
        if not self._rest:
            return None
        log, start, stop = self._rest[0]
        size = min(max(self._ahead // _SHARES, _SMALLEST), self._largest)
        edge = min(start + size, stop)
        if edge == stop:
            self._rest.popleft()
        else:
            self._rest[0] = Part(log, edge, stop)
        self._ahead -= edge - start
        return Piece(log, start, edge, log.end)

    def deliver(self, piece: Piece, state: bytes) -> None:
        """Take in what a worker has gathered."""
        try:
            self._merge(state)
        except Exception as error:  # the caller's own: the workers must outlive it
            self.problem = f"{type(error).__name__}: {error}"
        self._count(piece)

    def put_back(self, piece: Piece) -> None:
        """Take back what no worker has looked at."""
        self._returned.append(piece)

    def give_up(self, piece: Piece, reason: str) -> None:
        """Leave a piece out, and tell why."""
        self.problem = f"{(piece.stop - piece.start) >> 20} MiB and maybe more left out: {reason}"
        self._count(piece)

    def _count(self, piece: Piece) -> None:
        self.done += piece.stop - piece.start
        if self.done == self.total:
            self._finished.set()
        try:
            self._on_change()
        except RuntimeError:
            # What it wakes is closed, as an event loop is at the end: nobody waits for the rest.
            self.close()
