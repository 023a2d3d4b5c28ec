"""Lines that wait to be written, and the thread that takes them.

Who logs only queues. There is no lock between the two: a signal handler may log, or flush, whatever
the code it interrupted was at.
"""

from _thread import LockType, allocate_lock, start_new_thread
from collections import deque
from collections.abc import Callable
from queue import Empty, SimpleQueue
from threading import RLock

BATCH = 256 * 1024
# A line is taken at once, those of the next moment together: one wake-up and one write for them.
GATHER = 0.02
# After this long without a line nothing is held open.
IDLE = 5.0


class Backlog:
    """Whole lines in their order, at most `limit` bytes, until `deliver` is given them.

    `rest` is called once there has been none for a while. Neither may raise.
    """

    def __init__(
        self, deliver: Callable[[list[bytes]], None], rest: Callable[[], None], limit: int
    ) -> None:
        self._deliver = deliver
        self._rest = rest
        self._limit = limit
        self.reset()

    def reset(self) -> None:
        """Forgets the lines and the thread, which after a fork are the parent's."""
        self._lines: deque[bytes | LockType] = deque()
        # In bytes. A race between threads may miscount it, until the queue is empty next.
        self.waiting = 0
        self._bell: SimpleQueue[None] = SimpleQueue()
        # Held by who empties the queue, whom a signal handler may interrupt to do the same.
        self._emptying = RLock()
        self._started = False
        self._idle = True
        self.ended = False

    def offer(self, line: bytes) -> bool:
        """Queues the line, or returns False: there is no room. Never waits."""
        if self.waiting >= self._limit:
            return False
        self._lines.append(line)
        self.waiting += len(line)
        if self._idle:
            self._idle = False
            if self.ended:
                self._empty_here(0)
                self._idle = True
            else:
                self._ring()
        return True

    def flush(self, limit: float) -> None:
        """Returns once the lines queued before are delivered, or after `limit` seconds."""
        if self._idle and not self._lines:
            return
        if self.ended:
            self._empty_here(limit)
            return
        mark = allocate_lock()
        mark.acquire()
        self._lines.append(mark)
        self._ring()
        mark.acquire(timeout=limit)

    def end(self, limit: float) -> None:
        """As `flush`, and ends the thread: who queues a line later delivers it, too."""
        self.ended = True
        if self._started:
            self._bell.put(None)
        if self._empty_here(limit):
            self._rest()
        self._idle = True

    def take(self) -> list[bytes]:
        """What nobody has begun to deliver."""
        lines = []
        while self._lines:
            item = self._lines.popleft()
            if isinstance(item, bytes):
                lines.append(item)
            else:
                item.release()
        return lines

    def _ring(self) -> None:
        if not self._started:
            try:
                # Not `threading.Thread`, whose locks a signal handler could find taken.
                start_new_thread(self._run, ())
            except RuntimeError:  # too many threads: the next line tries again
                self._idle = True
                return
            self._started = True
        self._bell.put(None)

    def _run(self) -> None:
        if not self._emptying.acquire(blocking=False):
            return  # a signal handler has started another
        try:
            while True:
                self._idle = False
                self._empty()
                if self.ended:
                    return
                self._wait(GATHER)
                if self._lines or self.ended:
                    continue
                self._idle = True
                if self._lines or self._wait(IDLE):
                    continue
                self._rest()
                self._wait(None)
        finally:
            self._emptying.release()

    def _wait(self, seconds: float | None) -> bool:
        """Whether somebody rang meanwhile."""
        try:
            self._bell.get(timeout=seconds)
        except Empty:
            return False
        return True

    def _empty_here(self, limit: float) -> bool:
        if not self._emptying.acquire(timeout=limit):
            return False
        try:
            self._empty()
        finally:
            self._emptying.release()
        return True

    def _empty(self) -> None:
        waiting = self._lines
        while waiting:
            lines: list[bytes] = []
            size = 0
            mark = None
            while waiting and size < BATCH:
                item = waiting.popleft()
                if isinstance(item, LockType):
                    mark = item
                    break
                lines.append(item)
                size += len(item)
            if lines:
                self._deliver(lines)
            self.waiting = self.waiting - size if waiting else 0
            if mark:
                mark.release()
