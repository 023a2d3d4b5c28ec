"""Looking at every slice of a file once, nearest to the eye first, while the file grows."""

import threading
from abc import ABC, abstractmethod
from bisect import bisect_left, insort
from collections.abc import Callable

from console.logs.files.blocks import SLICE, blocks, slice_of
from console.logs.files.jobs import Job, Work
from console.logs.files.log_file import LogFile
from console.logs.files.workers import Piece, Workers

__all__ = ["SliceScan"]

# What is handed to a worker at a time: some 5 ms of work, so that priorities are soon obeyed.
_PIECE_SLICES = 4
# So many slices that were appended at once are looked at here rather than by a worker.
_AT_ONCE = 4
# A line of so many bytes takes its time, and so do so many lines in one block.
_LONG, _MANY = 1024 * 1024, 16 * 1024


def _nothing() -> None:
    pass


class _TakesLong(Exception):  # noqa: N818
    """Somebody waits for what a worker is to do."""


class SliceScan(ABC):
    """What is known of each slice of a file; the workers find it out, or whoever needs it first.

    What takes long, very many lines or a very long one, is left to the workers by everybody else.
    Looks at the lines from `start` to `stop`, without a `stop` to wherever the file grows. What
    the workers could not read is told by `problem`. `on_change` is called after each piece, from
    their thread: it should do no more than ask for a new frame.
    """

    def __init__(
        self,
        log: LogFile,
        workers: Workers,
        job: Job,
        *,
        urgency: int,
        eye: int | None = None,
        start: int = 0,
        stop: int | None = None,
        on_change: Callable[[], None] = _nothing,
    ) -> None:
        self.log = log
        self.job = job
        self.urgency = urgency
        self.eye = log.end if eye is None else eye
        """The offset around which slices are looked at first; it may be moved at any time."""
        self.problem = ""
        self._start = start
        self._stop = stop
        self._on_change = on_change
        self._workers = workers
        self._lock = threading.RLock()
        self._known = bytearray(b"\1" * slice_of(start))
        self._pending: list[tuple[int, int]] = []
        self._horizon = start
        self._missed = 0
        self._own_work: Work | None = None
        self._own_lock = threading.Lock()
        self._extend(self._end())
        self._number = workers.submit(self)

    @property
    def complete(self) -> bool:
        """Whether all lines there were at the last `grow()` have been looked at."""
        return 0 not in self._known

    @property
    def progress(self) -> float:
        """How much of the file has been looked at, 0 to 1."""
        return 1 - self._known.count(0) / max(len(self._known), 1)

    def grow(self) -> None:
        """Take in what `log.refresh()` has found appended. Raises OSError."""
        end = self._end()
        if end <= self._horizon:
            return
        self._grow_last(end)
        first = len(self._known)
        self._extend(end)
        for number in range(first, min(len(self._known), first + _AT_ONCE)):
            if not self._learn(number):
                break
        with self._lock:
            if self.complete:
                self._pending.clear()
        if self._pending:
            self._workers.wake()

    def close(self) -> None:
        """Look no further."""
        self._workers.withdraw(self._number)

    def next_piece(self) -> Piece | None:
        """Return the slices nearest to the eye that nobody has looked at."""
        with self._lock:
            while self._pending:
                first, stop = self._pending.pop(self._nearest())
                if 0 in self._known[first:stop]:
                    start = max(first * SLICE, self._start)
                    return Piece(self.log, start, stop * SLICE, self._horizon)
            return None

    def deliver(self, piece: Piece, state: bytes) -> None:
        """Take in what a worker has found."""
        with self._lock:
            # The last slice may have grown since by what was left to a worker.
            stale = slice_of(piece.end) if piece.end < self._horizon else len(self._known)
            self._take(state, lambda number: not self._known[number] and number < stale)
            again = stale < slice_of(piece.stop) and not self._known[stale]
            self._mark(piece)
            if again:
                self._queue_again(stale)
        self._tell()

    def put_back(self, piece: Piece) -> None:
        """Take back what no worker has looked at."""
        with self._lock:
            insort(self._pending, (slice_of(piece.start), slice_of(piece.stop)))

    def give_up(self, piece: Piece, reason: str) -> None:
        """Leave a piece out, and tell why."""
        with self._lock:
            self._missed += piece.stop - piece.start
            self.problem = f"{max(self._missed >> 20, 1)} MiB left out: {reason}"
            self._mark(piece)
        self._tell()

    def _tell(self) -> None:
        try:
            self._on_change()
        except RuntimeError:
            # What it wakes is closed, as an event loop is at the end: nobody waits for the rest.
            self.close()

    @abstractmethod
    def _take(self, state: bytes, wanted: Callable[[int], bool]) -> None:
        """Add what was found to each slice that is `wanted`; called with the lock held."""

    @abstractmethod
    def _forget(self, number: int) -> None:
        """Take back what was found in a slice; called with the lock held."""

    @abstractmethod
    def _resize(self, slices: int) -> None:
        """Have room for so many slices; called with the lock held."""

    def _learn(self, number: int) -> bool:
        """Look at a slice here and now; False: it takes long, and is left to a worker."""
        state = self._glance(number * SLICE, (number + 1) * SLICE, self._horizon)
        if state is None:
            return False
        with self._lock:
            if not self._known[number]:
                self._take(state, lambda found: found == number)
                self._known[number] = 1
        return True

    def _glance(self, start: int, stop: int, end: int) -> bytes | None:
        """Look, unless that takes long."""
        try:
            return self._look(start, stop, end, refuse=self._takes_long)
        except _TakesLong:
            return None

    def _look(
        self, start: int, stop: int, end: int, *, refuse: Callable[[bytes], bool] = lambda _: False
    ) -> bytes:
        with self._own_lock:
            # Taken away while it works: what it has gathered when it breaks off must not stay.
            work, self._own_work = self._own_work or self._make_own_work(), None
            for offset, block in blocks(self.log.descriptor, max(start, self._start), stop, end):
                if refuse(block):
                    raise _TakesLong
                work.add(block, offset)
            state = work.take()
            self._own_work = work
            return state

    def _takes_long(self, block: bytes) -> bool:
        return len(block) > _LONG or block.count(b"\n") > _MANY

    def _make_own_work(self) -> Work:
        return self.job.make()

    def _grow_last(self, end: int) -> None:
        number = slice_of(self._horizon)
        # With the lock held: a worker may be about to deliver this slice as it was before.
        with self._lock:
            if number >= len(self._known):
                return
            known = self._known[number]
            start = self._horizon if known else number * SLICE
            state = self._glance(start, (number + 1) * SLICE, end)
            if state is not None:
                self._take(state, lambda _: True)
                self._known[number] = 1
            elif known:
                self._forget(number)
                self._queue_again(number)

    def _queue_again(self, number: int) -> None:
        self._known[number] = 0
        insort(self._pending, (number, number + 1))

    def _extend(self, end: int) -> None:
        with self._lock:
            first, slices = len(self._known), slice_of(end - 1) + 1
            if slices > first:
                self._known.extend(bytes(slices - first))
            self._resize(len(self._known))
            for at in range(first, slices, _PIECE_SLICES):
                insort(self._pending, (at, min(at + _PIECE_SLICES, slices)))
            self._horizon = end

    def _mark(self, piece: Piece) -> None:
        first, stop = slice_of(piece.start), slice_of(piece.stop)
        self._known[first:stop] = b"\1" * (stop - first)

    def _end(self) -> int:
        return self.log.end if self._stop is None else min(self.log.end, self._stop)

    def _nearest(self) -> int:
        eye = slice_of(self.eye)
        at = bisect_left(self._pending, (eye, 0))
        if at == len(self._pending):
            return at - 1
        if at > 0 and eye - self._pending[at - 1][1] < self._pending[at][0] - eye:
            return at - 1
        return at
