"""Log lines on their way to where they end, so that no request waits for a disk or a pipe."""

import atexit
import os
import sys
import time
from datetime import UTC, datetime
from typing import Protocol

from service.observability.backlog import Backlog
from service.observability.targets import FileTarget, StreamTarget, Target, Unwritten

__all__ = ["LOST", "STANDARD_ERROR", "FileTarget", "StreamTarget", "Writer"]

# Bytes that may wait: some 25,000 requests, a tenth of what the process takes anyway.
LIMIT = 8 * 1024 * 1024
# Standard error is mostly on the same disk, or has the same reader.
SPILL_LIMIT = 1024 * 1024
# With no more than this in the queue, what is missing before it is told.
CAUGHT_UP = 512 * 1024
# How soon a target that failed is tried again.
RETRY = 1.0
FLUSH_LIMIT = 2.0
# Of that for each at the end of the process, when one before it used it all.
LEAST_LIMIT = 0.5
# How long standard error may take for a batch before more of it is thrown away.
SPILL_PATIENCE = 1.0
# How long a target may take nothing once the process ends.
LAST_PATIENCE = 1.0


class Tell(Protocol):
    """Makes a remark of the writer's own a line."""

    def __call__(self, level: str, event: str, /, **more: object) -> bytes:
        """One line, with its newline."""


class Losses:
    """Lines of this process that nothing took."""

    lines = 0


LOST = Losses()


class Writer:
    """A bounded queue before a `Target`, emptied by a thread of its own.

    What the target fails to take, and what comes while the queue is full, goes to standard error.
    What that does not take either is counted, and told once the target takes lines again.
    """

    def __init__(self, target: Target, *, tell: Tell | None = None, limit: int = LIMIT) -> None:
        self._target = target
        self._tell = tell or _in_plain_text
        self._backlog = Backlog(self._deliver, target.release, limit)
        self._forget()
        _living.add(self)

    def _forget(self) -> None:
        self._retry_at = 0.0
        # Since when lines have been missing here, and how many are.
        self._since: float | None = None
        self._elsewhere = 0
        self._lost = 0

    def write(self, line: bytes) -> None:
        """Queues one whole line, its newline included. Never waits."""
        if not self._backlog.offer(line):
            self._spill([line], "it takes no more lines")

    def flush(self, limit: float = FLUSH_LIMIT) -> None:
        """Returns once the lines queued before are written, or after `limit` seconds.

        A signal handler may call it.
        """
        deadline = time.monotonic() + limit
        self._backlog.flush(limit)
        STANDARD_ERROR.flush(max(0.0, deadline - time.monotonic()))

    def end(self, limit: float = FLUSH_LIMIT) -> None:
        """As `flush`, and lets go of the thread and the file; lines that come later are written by
        who logs them. What is left after `limit` seconds goes to standard error."""
        self._backlog.end(limit)
        if left := self._backlog.take():
            self._spill(left, "it takes no more lines")
        _living.discard(self)

    def begin_anew(self) -> None:
        """In the child of a fork: what was queued, the parent writes."""
        self._backlog.reset()
        self._forget()
        # Kept open, it would take the space of a file that is rotated away and deleted.
        self._target.release()

    def note_lost(self, *, was_elsewhere: bool) -> None:
        """Counts a line that neither the target nor standard error took."""
        LOST.lines += 1
        self._lost += 1
        self._elsewhere -= was_elsewhere
        self._since = self._since or time.time()

    def _deliver(self, lines: list[bytes]) -> None:
        if time.monotonic() < self._retry_at:
            self._divert(lines, "")
            return
        try:
            self._put(b"".join(lines))
        except (OSError, ValueError, MemoryError) as error:
            self._retry_at = time.monotonic() + RETRY
            self._divert(
                _left(lines, error), getattr(error, "strerror", None) or type(error).__name__
            )
            return
        if self._since is not None and self._backlog.waiting < CAUGHT_UP:
            self._tell_what_is_missing()

    def _put(self, lines: bytes) -> None:
        self._target.write(lines, LAST_PATIENCE if self._backlog.ended else None)

    def _divert(self, lines: list[bytes], reason: str) -> None:
        self._spill(lines, reason)
        # It gets the time to take them before there are more.
        STANDARD_ERROR.flush(SPILL_PATIENCE)

    def _spill(self, lines: list[bytes], reason: str) -> None:
        """Passes lines on to standard error, as far as that has room; never waits."""
        is_news = self._since is None
        if is_news:
            self._since = time.time()
        if not STANDARD_ERROR.is_another_place_than(self._target):
            for _ in lines:
                self.note_lost(was_elsewhere=False)
            return
        if is_news:
            event = "log output failed: lines go to standard error"
            STANDARD_ERROR.write(self._tell("ERROR", event, reason=reason))
        self._elsewhere += len(lines)
        for line in lines:
            STANDARD_ERROR.write(line, self)

    def _tell_what_is_missing(self) -> None:
        since, self._since = self._since, None
        elsewhere, self._elsewhere = self._elsewhere, 0
        lost, self._lost = self._lost, 0
        line = self._tell(
            "ERROR" if lost else "WARNING",
            "log lines were lost" if lost else "log output works again",
            lost=lost,
            on_standard_error=elsewhere,
            since=_clock(since or time.time()),
        )
        try:
            self._put(line)
        except (OSError, MemoryError):
            self._since = since
            self._elsewhere += elsewhere
            self._lost += lost
            return
        if STANDARD_ERROR.is_another_place_than(self._target):
            STANDARD_ERROR.write(line)


class Spilled(bytes):
    """A line on its way to standard error for `owner`."""

    owner: Writer


class StandardError:
    """Where lines go that their target does not take."""

    def __init__(self) -> None:
        self._target = StreamTarget(2)
        # Closed at the start, its number may be that of a connection now.
        self._is_open = sys.__stderr__ is not None and self._target.place is not None
        self._backlog = Backlog(self._deliver, self._target.release, SPILL_LIMIT)
        self._retry_at = 0.0

    def is_another_place_than(self, target: Target) -> bool:
        """Whether it is there, and not the same file or pipe."""
        return self._is_open and self._target.place != target.place

    def write(self, line: bytes, owner: Writer | None = None) -> None:
        """Queues a line of the owner's, or a remark. Never waits."""
        if owner:
            line = Spilled(line)
            line.owner = owner
        if not self._backlog.offer(line):
            self._lose([line])

    def flush(self, limit: float) -> None:
        """As `Writer.flush`."""
        self._backlog.flush(limit)

    def end(self, limit: float) -> None:
        """As `Writer.end`."""
        self._backlog.end(limit)

    def begin_anew(self) -> None:
        """As `Writer.begin_anew`."""
        self._backlog.reset()

    def _deliver(self, lines: list[bytes]) -> None:
        if time.monotonic() < self._retry_at:
            self._lose(lines)
            return
        try:
            patience = LAST_PATIENCE if self._backlog.ended else None
            self._target.write(b"".join(lines), patience)
        except (OSError, MemoryError) as error:
            self._retry_at = time.monotonic() + RETRY
            self._lose(_left(lines, error))

    def _lose(self, lines: list[bytes]) -> None:
        for line in lines:
            if isinstance(line, Spilled):
                line.owner.note_lost(was_elsewhere=True)


def _left(lines: list[bytes], error: Exception) -> list[bytes]:
    """Those of the lines that were not written."""
    if isinstance(error, Unwritten):
        return lines[len(lines) - error.rest.count(b"\n") :]
    return lines


def _in_plain_text(level: str, event: str, /, **more: object) -> bytes:
    said = "".join(f" {name}={value}" for name, value in more.items())
    return f"{level} {event}{said}\n".encode()


def _clock(moment: float) -> str:
    return datetime.fromtimestamp(moment, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


_living: set[Writer] = set()
STANDARD_ERROR = StandardError()


def _all() -> list[Writer | StandardError]:
    return [*_living, STANDARD_ERROR]


@atexit.register
def _end_all() -> None:
    deadline = time.monotonic() + FLUSH_LIMIT
    for each in _all():
        each.end(max(LEAST_LIMIT, deadline - time.monotonic()))


def _begin_all_anew() -> None:
    LOST.lines = 0
    for each in _all():
        each.begin_anew()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_begin_all_anew)
