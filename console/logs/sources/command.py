"""The output of a command that is kept running: ssh, kubectl, docker, journalctl."""

import contextlib
import fcntl
import os
import random
import shlex
import signal
import subprocess
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import IO, cast

from console.lines import LINE_LIMIT
from console.logs.sources.block import Block
from console.logs.sources.replay import Replay
from console.logs.sources.source import NEWS, reason
from console.logs.sources.stream import Stream

__all__ = ["CommandSource"]

_FIRST_PAUSE, _LONGEST_PAUSE = 1.0, 30.0
# A run of this long was a sound one: the next failure is the first again.
_SOUND_SECONDS = 30.0
_STOP_SECONDS = 1.0
_PIPE_BYTES = 1024 * 1024
_COMPLAINT = 200


class CommandSource:
    """Runs a command in a process group of its own, and starts it again whenever it ends.

    Lines come from its standard output. Its last line on standard error is the `state` while
    nothing comes out, and the reason given when it has ended. What a new run repeats is left out.
    """

    truncations = 0
    ended = False

    def __init__(
        self, command: Sequence[str], *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = shlex.join(command)
        self.news: deque[str] = deque(maxlen=NEWS)
        self._command = command
        self._clock = clock
        self._run: _Run | None = None
        self._replay = Replay()
        self._failures = 0
        self._again_at = clock()
        self._problem = ""

    @property
    def state(self) -> str:
        """What stands in the way, and when it is tried again."""
        # Asked for by other threads: the run may end between two looks at it.
        run = self._run
        if run is not None:
            return run.complaint
        wait = max(self._again_at - self._clock(), 0.0)
        return f"{self._problem}; again in {wait:.0f} s" if self._problem else ""

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return self._run is not None and self._run.output.readable

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT."""
        return self._run is not None and self._run.output.overlong

    @property
    def waitable(self) -> int | None:
        """The pipe from the command, while it is open at the other end."""
        if self._run is None or self._run.output.ended:
            return None
        return self._run.output.fd

    def poll(self) -> list[Block]:
        """Return the lines that are there; starts the command when it is time to."""
        now = self._clock()
        if self._run is None and now >= self._again_at:
            try:
                self._run = _Run(self._command, self.name, now)
            except OSError as error:
                self._pause(f"cannot be started: {reason(error)}", now)
        if self._run is None:
            return []
        blocks = self._replay.new(self._run.read())
        if self._run.output.ended and (end := self._run.end(now)):
            if now - self._run.started >= _SOUND_SECONDS:
                self._failures = 0
            if self._replay.repeated:
                self.news.append(f"{self._replay.repeated} lines came again and were left out")
            self._replay.restart()
            self._run.close()
            self._run = None
            self._pause(end, now)
        return blocks

    def close(self) -> None:
        """Stop the command and everything it started."""
        if self._run is not None:
            self._run.close()
            self._run = None

    def _pause(self, problem: str, now: float) -> None:
        # Many consoles must not knock at a restarted host all at the same moment.
        pause = min(_FIRST_PAUSE * 2**self._failures, _LONGEST_PAUSE) * random.uniform(0.8, 1.2)  # noqa: S311
        self._failures = min(self._failures + 1, 10)
        self._problem, self._again_at = problem, now + pause
        self.news.append(f"{problem}; starts again in {pause:.0f} s")


class _Run:
    """One life of the command. Raises OSError when it cannot be started."""

    def __init__(self, command: Sequence[str], source: str, now: float) -> None:
        self._process = subprocess.Popen(
            command,
            bufsize=0,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            start_new_session=True,
        )
        self._pipes = (
            cast("IO[bytes]", self._process.stdout),
            cast("IO[bytes]", self._process.stderr),
        )
        self.started = now
        self.complaint = ""
        output, errors = self._pipes
        self.output = Stream(output.fileno(), source)
        self._errors = Stream(errors.fileno(), source, limit=LINE_LIMIT)
        self._last_error = ""
        self._ended_at: float | None = None
        # Without a larger pipe, a busy command would wait for every turn of the reader.
        with contextlib.suppress(OSError, AttributeError):
            fcntl.fcntl(self.output.fd, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)

    def read(self) -> list[Block]:
        """Return the lines that are there."""
        if errors := self._errors.read():
            raw = errors[-1].lines()[-1].raw
            self.complaint = self._last_error = raw.decode(errors="replace").strip()[:_COMPLAINT]
        blocks = self.output.read()
        if blocks:
            self.complaint = ""
        return blocks

    def end(self, now: float) -> str:
        """Tell how the process ended; empty while it has not, which it is given a second for."""
        code = self._process.poll()
        if code is None:
            if self._ended_at is None:
                self._ended_at = now
            elif now - self._ended_at >= _STOP_SECONDS:
                self._signal(signal.SIGKILL)
            return ""
        self.read()
        how = f"ended with exit code {code}" if code >= 0 else f"killed by signal {-code}"
        return f"{how}: {self._last_error}" if self._last_error else how

    def close(self) -> None:
        """End the process group, gently first."""
        self._signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(_STOP_SECONDS)
        self._signal(signal.SIGKILL)
        self._process.wait()
        for pipe in self._pipes:
            pipe.close()

    def _signal(self, number: signal.Signals) -> None:
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self._process.pid, number)
