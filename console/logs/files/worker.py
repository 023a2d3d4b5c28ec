"""A worker: it scans what it is told to, beside the process that draws the screen.

It ends when its parent does, for then the socket between them is closed. It imports what its jobs
need and nothing of the screen.
"""

import os
import signal
import socket
import sys
from collections import deque

from console.logs.files.blocks import blocks
from console.logs.files.channel import Channel
from console.logs.files.jobs import Begin, Done, End, Job, Ready, Request, Run, Work

__all__ = ["main", "serve"]

# The watched service may run on the same machine: it comes first.
_NICENESS = 5


def main() -> None:
    """Serve the socket whose descriptor is the last argument."""
    # Ctrl+C goes to every process of the terminal; this one ends with its parent instead.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(_NICENESS)
    serve(socket.socket(fileno=int(sys.argv[-1])))


def serve(connection: socket.socket) -> None:
    """Answer requests until the other side closes the socket."""
    with connection:
        try:
            _Server(Channel(connection, Request)).run()
        except (EOFError, OSError):
            return


class _Server:
    def __init__(self, channel: Channel[Request]) -> None:
        self._channel = channel
        self._jobs: dict[int, Job] = {}
        self._works: dict[int, Work] = {}
        self._runs: deque[tuple[Run, int]] = deque()

    def run(self) -> None:
        self._channel.send(Ready())
        while True:
            while not self._runs:
                self._listen()
            run, descriptor = self._runs.popleft()
            try:
                done = self._scan(run, descriptor)
            except Exception as error:  # whatever a job raises: the next one may be sound
                self._works.pop(run.number, None)
                done = Done(None, f"{type(error).__name__}: {error}")
            finally:
                os.close(descriptor)
            self._channel.send(done)

    def _listen(self) -> None:
        for message in self._channel.receive():
            if isinstance(message, Run):
                self._runs.append((message, self._channel.descriptors.popleft()))
            elif isinstance(message, Begin):
                self._jobs[message.number] = message.job
            elif isinstance(message, End):
                self._jobs.pop(message.number, None)
                self._works.pop(message.number, None)

    def _scan(self, run: Run, descriptor: int) -> Done:
        job = self._jobs.get(run.number)
        if job is None:
            return Done(None)
        work = self._works.get(run.number)
        if work is None:
            work = self._works[run.number] = job.make()
        for offset, block in blocks(descriptor, run.start, run.stop, run.end):
            work.add(block, offset)
            if self._channel.waiting():
                self._listen()
                if run.number not in self._jobs:
                    return Done(None)
        return Done(work.take())
