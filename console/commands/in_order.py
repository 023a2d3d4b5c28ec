"""A file looked at by several processes, and what they found, in the order of the file."""

import threading
from collections.abc import Iterator
from itertools import pairwise
from typing import Self

from console.logs.files.blocks import SLICE
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.workers import Piece, Workers

__all__ = ["InOrder"]

_PIECE = 2 * SLICE
# Workers that hang are replaced much sooner.
_PATIENCE_SECONDS = 120.0


class InOrder:
    """Runs a job over the lines that begin in `start` to `stop`; gives its states one by one.

    Each is of about 2 MiB; `ahead` of them are made before the first was taken, which bounds the
    memory. With `backwards`, the last one comes first. Left as a context manager, it breaks off
    what is not done. `problem` tells what was left out.
    """

    urgency = 0

    def __init__(
        self,
        log: LogFile,
        start: int,
        stop: int,
        job: Job,
        workers: Workers,
        *,
        ahead: int = 8,
        backwards: bool = False,
    ) -> None:
        self.job = job
        self.problem = ""
        edges = [start, *range((start // _PIECE + 1) * _PIECE, stop, _PIECE), stop]
        self._pieces = [
            Piece(log, first, last, log.end) for first, last in pairwise(edges) if first < last
        ]
        if backwards:
            self._pieces.reverse()
        self._numbers = {piece.start: number for number, piece in enumerate(self._pieces)}
        self._ahead = ahead
        self._next = self._taken = 0
        self._returned: list[Piece] = []
        self._states: dict[int, bytes] = {}
        self._changed = threading.Condition()
        self._workers = workers
        self._submitted = workers.submit(self)

    def __iter__(self) -> Iterator[bytes]:
        """Give each state as soon as it and all before it are there. Raises TimeoutError."""
        while self._taken < len(self._pieces):
            with self._changed:
                if not self._changed.wait_for(self._is_there, _PATIENCE_SECONDS):
                    raise TimeoutError(0, "the processes that read it do not answer")
                state = self._states.pop(self._taken)
                self._taken += 1
            self._workers.wake()
            if state:
                yield state

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._workers.withdraw(self._submitted)

    def next_piece(self) -> Piece | None:
        """Return the next piece, unless enough of them wait to be taken."""
        with self._changed:
            if self._returned:
                return self._returned.pop()
            if self._next == len(self._pieces) or self._next - self._taken >= self._ahead:
                return None
            self._next += 1
            return self._pieces[self._next - 1]

    def deliver(self, piece: Piece, state: bytes) -> None:
        """Take in what was found in a piece."""
        with self._changed:
            self._states[self._numbers[piece.start]] = state
            self._changed.notify_all()

    def put_back(self, piece: Piece) -> None:
        """Take back a piece that nobody has looked at."""
        with self._changed:
            self._returned.append(piece)

    def give_up(self, piece: Piece, reason: str) -> None:
        """Do without a piece."""
        self.problem = f"{max((piece.stop - piece.start) >> 20, 1)} MiB left out: {reason}"
        self.deliver(piece, b"")

    def _is_there(self) -> bool:
        return self._taken in self._states
