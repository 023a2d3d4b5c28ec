"""Starting a worker: a process of its own or, where none can be started, a thread."""

import socket
import subprocess
import sys
import threading
import time
from collections import deque
from pathlib import Path
from typing import Generic, TypeVar

import console
from console.logs.files.channel import Channel
from console.logs.files.jobs import Begin, End, Job, Reply, Run
from console.logs.files.worker import serve

__all__ = ["Worker"]

T = TypeVar("T")

# Without site and the environment's hooks it starts in half the time; it finds its modules where
# this process found them.
_START = (
    "import sys; sys.path[:] = sys.argv[1:-1]; from console.logs.files.worker import main; main()"
)
_SEND_SECONDS = 5.0
_EXIT_SECONDS = 1.0


class Worker(Generic[T]):
    """One worker and what it was asked for: `asked` holds a tag for each unanswered Run.

    `ready` once it has answered anything, `since` when it began with the first of `asked`.
    """

    def __init__(self, *, thread: bool) -> None:
        """Start it. Raises OSError when the system has no process left."""
        ours, theirs = socket.socketpair()
        self.process: subprocess.Popen[bytes] | None = None
        try:
            if thread:
                threading.Thread(
                    target=serve, args=(theirs,), name="log-worker", daemon=True
                ).start()
            else:
                self.process = _start(theirs)
                theirs.close()
        except (OSError, RuntimeError) as error:
            ours.close()
            theirs.close()
            raise OSError(str(error)) from error
        # A worker that does not even read what it is sent must not hold up the others.
        ours.settimeout(_SEND_SECONDS)
        self.channel: Channel[Reply] = Channel(ours, Reply)
        self.asked: deque[T] = deque()
        self.ready = False
        self.since = time.monotonic()
        self._jobs: set[int] = set()

    def ask(self, job: Job, run: Run, descriptor: int, tag: T) -> None:
        """Send a Run, after its job if that is new to the worker. Raises OSError."""
        if not self.asked:
            self.since = time.monotonic()
        self.asked.append(tag)
        if run.number not in self._jobs:
            self._jobs.add(run.number)
            self.channel.send(Begin(run.number, job))
        self.channel.send(run, descriptor)

    def end(self, number: int) -> None:
        """Let the worker forget a job. Raises OSError."""
        if number in self._jobs:
            self._jobs.remove(number)
            self.channel.send(End(number))

    def answered(self) -> T:
        """Return the tag of the Run that was answered just now."""
        self.since = time.monotonic()
        return self.asked.popleft()

    def stop(self, *, kill: bool) -> None:
        """Close the socket, upon which the worker ends; kill it when it does not."""
        self.channel.close()
        if self.process is None:
            return
        if kill:
            self.process.kill()
        try:
            self.process.wait(_EXIT_SECONDS)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def _start(connection: socket.socket) -> "subprocess.Popen[bytes]":
    descriptor = connection.fileno()
    package = Path(console.__file__ or "").parents[1]
    return subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _START, str(package), *sys.path, str(descriptor)],
        pass_fds=[descriptor],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
