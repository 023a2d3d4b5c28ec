"""The processes that scan files: as many as there are cores, started when first needed."""

import os
import selectors
import socket
import threading
import time
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import count
from typing import Protocol

import msgspec

from console.logs.files.jobs import Done, Job, Run
from console.logs.files.log_file import LogFile
from console.logs.files.processes import Worker

__all__ = ["Piece", "Scan", "Workers"]

_MOST = 4
# The next piece is already there when a worker has finished one.
_AHEAD = 2
# A worker that takes longer for one piece hangs.
_PIECE_SECONDS = 30.0
# They are started again in a tenth of a second: until then, their memory is better for others.
_IDLE_SECONDS = 5.0
_TRIES = 2
_STARTS = 3


@dataclass(frozen=True, slots=True)
class Piece:
    """The lines of `log` that begin in `start` to `stop`; `end` is where the file ended then."""

    log: LogFile
    start: int
    stop: int
    end: int
    tries: int = 0


class Scan(Protocol):
    """Something that wants pieces of files looked at. Called from the workers' thread, except
    where it says so itself; none of these may raise or wait."""

    @property
    def job(self) -> Job:
        """What is done with each piece."""

    @property
    def urgency(self) -> int:
        """Scans with a smaller figure are served first."""

    def next_piece(self) -> Piece | None:
        """Return a piece to be looked at now, None when there is none at the moment."""

    def deliver(self, piece: Piece, state: bytes) -> None:
        """Take in what was gathered in a piece."""

    def put_back(self, piece: Piece) -> None:
        """Take back a piece that nobody has looked at."""

    def give_up(self, piece: Piece, reason: str) -> None:
        """Do without a piece."""


_Worker = Worker[tuple[int, Piece]]


class Workers:
    """Worker processes, shared by all scans of this program, there while there is work.

    One that crashes or hangs is replaced, and its piece tried once more. Where no process can be
    started a thread does the work. All methods may be called from any thread and return at once,
    `close()` within a second.
    """

    def __init__(self, number: int | None = None) -> None:
        self._most = number or min(_cores(), _MOST)
        self._scans: dict[int, Scan] = {}
        self._ended: list[int] = []
        self._numbers = count(1)
        self._lock = threading.Lock()
        self._workers: list[_Worker] = []
        self._failed_starts = 0
        self._closing = False
        self._thread: threading.Thread | None = None
        self._bell, self._ear = socket.socketpair()
        self._bell.setblocking(False)

    @property
    def processes(self) -> list[int]:
        """The ids of the processes that run now."""
        return [w.process.pid for w in list(self._workers) if w.process is not None]

    def submit(self, scan: Scan) -> int:
        """Begin to serve a scan; return the number that withdraws it."""
        with self._lock:
            number = next(self._numbers)
            self._scans[number] = scan
            if self._thread is None and not self._closing:
                self._thread = threading.Thread(target=self._run, name="log-workers", daemon=True)
                self._thread.start()
        self.wake()
        return number

    def withdraw(self, number: int) -> None:
        """Serve a scan no longer; what is being looked at for it is broken off."""
        with self._lock:
            if self._scans.pop(number, None) is not None:
                self._ended.append(number)
        self.wake()

    def wake(self) -> None:
        """Say that a scan has pieces again."""
        # A full socket has woken it already; a closed one needs no waking.
        with suppress(OSError):
            self._bell.send(b"!")

    def close(self) -> None:
        """End every process."""
        with self._lock:
            self._closing = True
        self.wake()
        if self._thread is not None:
            self._thread.join()
        self._bell.close()
        self._ear.close()

    def _run(self) -> None:
        with selectors.DefaultSelector() as selector:
            selector.register(self._ear, selectors.EVENT_READ)
            try:
                while not self._closing:
                    self._serve(selector)
            finally:
                self._end(selector)

    def _serve(self, selector: selectors.BaseSelector) -> None:
        self._forget_ended()
        self._hand_out(selector)
        busy = any(worker.asked for worker in self._workers)
        idle = _IDLE_SECONDS if self._workers else None
        events = selector.select(_PIECE_SECONDS / 30 if busy else idle)
        if not (events or busy):
            self._end(selector)
        for key, _ in events:
            if key.data is None:
                self._ear.recv(4096)
            else:
                self._hear(key.data, selector)
        self._replace_stuck(selector)

    def _end(self, selector: selectors.BaseSelector) -> None:
        # All of them end at once, instead of one after the other.
        for worker in self._workers:
            selector.unregister(worker.channel)
            worker.channel.close()
        for worker in self._workers:
            worker.stop(kill=False)
        self._workers.clear()

    def _forget_ended(self) -> None:
        with self._lock:
            ended, self._ended = self._ended, []
        for number in ended:
            for worker in self._workers:
                # One that is gone is noticed when it is heard.
                with suppress(OSError):
                    worker.end(number)

    def _hand_out(self, selector: selectors.BaseSelector) -> None:
        with self._lock:
            scans = sorted(self._scans.items(), key=lambda item: item[1].urgency)
        for number, scan in scans:
            while self._has_room() and (piece := scan.next_piece()) is not None:
                worker = self._worker_for(piece, selector)
                run = Run(number, piece.start, piece.stop, piece.end)
                try:
                    worker.ask(scan.job, run, piece.log.descriptor, (number, piece))
                except OSError:
                    self._lose(worker, selector)

    def _has_room(self) -> bool:
        return len(self._workers) < self._most or any(
            len(worker.asked) < _AHEAD for worker in self._workers
        )

    def _worker_for(self, piece: Piece, selector: selectors.BaseSelector) -> _Worker:
        found = min(self._workers, key=lambda worker: len(worker.asked), default=None)
        # Whoever killed the process that had this piece may be killing the others, too.
        idle = found is not None and not found.asked and not piece.tries
        if found is not None and (idle or len(self._workers) == self._most):
            return found
        try:
            started = _Worker(thread=self._failed_starts >= _STARTS)
        except OSError:
            self._failed_starts = _STARTS
            started = _Worker(thread=True)
        self._workers.append(started)
        selector.register(started.channel, selectors.EVENT_READ, started)
        return started

    def _hear(self, worker: _Worker, selector: selectors.BaseSelector) -> None:
        try:
            replies = worker.channel.receive()
        except (EOFError, OSError, msgspec.DecodeError):
            self._lose(worker, selector)
            return
        for reply in replies:
            worker.ready = True
            if isinstance(reply, Done):
                number, piece = worker.answered()
                self._pass_on(number, piece, reply)

    def _pass_on(self, number: int, piece: Piece, done: Done) -> None:
        scan = self._scans.get(number)
        if scan is None:
            return
        if done.state is None:
            scan.give_up(piece, done.error)
            return
        try:
            scan.deliver(piece, done.state)
        except (msgspec.DecodeError, msgspec.ValidationError) as error:
            scan.give_up(piece, str(error))

    def _lose(self, worker: _Worker, selector: selectors.BaseSelector) -> None:
        selector.unregister(worker.channel)
        self._workers.remove(worker)
        worker.stop(kill=True)
        self._failed_starts = 0 if worker.ready else self._failed_starts + 1
        for at, (number, piece) in enumerate(worker.asked):
            scan = self._scans.get(number)
            # Only the first piece can have brought it down.
            tries = piece.tries + (at == 0 and worker.ready)
            if scan is not None and tries < _TRIES:
                scan.put_back(replace(piece, tries=tries))
            elif scan is not None:
                scan.give_up(piece, "a worker process died over it twice")

    def _replace_stuck(self, selector: selectors.BaseSelector) -> None:
        limit = time.monotonic() - _PIECE_SECONDS
        for worker in list(self._workers):
            if worker.asked and worker.since < limit:
                self._lose(worker, selector)


def _cores() -> int:
    """How many cores this process may use."""
    try:
        return len(os.sched_getaffinity(0))
    except AttributeError:
        return os.cpu_count() or 1
