"""A program in a terminal of its own: its keys, its screen, and when what was on it."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple, Self

import psutil

from benchmarks.logs.emulator import Screen

LINES, COLUMNS = 40, 120
VARIABLES = {"TERM": "xterm-256color", "COLORTERM": "truecolor", "TZ": "UTC", "LC_ALL": "C.UTF-8"}
# Opening the terminal by its name makes it the one that ^C and /dev/tty are for.
_OPEN = 'exec "$@" <"$0" >"$0" 2>&1'
_QUIT_SECONDS = 3.0
# A terminal hands on a few kilobytes at a time: what comes with no such gap in between, and within
# the time of a frame, is one screen. Half of one may show what never was.
_PIECE, _GAP, _FRAME = 65_536, 0.002, 0.02

Condition = Callable[[Screen], object]


class Sent(NamedTuple):
    """Some bytes, and when the last of them came, by `time.perf_counter`."""

    at: float
    text: bytes


class Seen:
    """A screen that is looked out for. `at`: since when it has been there; 0 while it is not."""

    def __init__(self, condition: Condition) -> None:
        self.condition = condition
        self.at = 0.0


class LateError(Exception):
    """A screen that was waited for did not come, and why."""


class Terminal:
    """The program runs from `__init__` to `__exit__`, which ends it and all it has started."""

    def __init__(
        self,
        command: Sequence[str],
        *,
        folder: Path | None = None,
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.screen = Screen(LINES, COLUMNS)
        self.sent: list[Sent] = []
        self._shown = 0
        self._watched: list[Seen] = []
        self._news = threading.Condition()
        self.launched = time.perf_counter()
        self._process = subprocess.Popen(
            ["/bin/sh", "-c", _OPEN, os.ttyname(theirs), *command],
            cwd=folder,
            env=os.environ | VARIABLES | dict(variables or {}),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
        )
        self._theirs = theirs
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        family = self.family()
        for process in family:
            with suppress(psutil.NoSuchProcess):
                process.terminate()
        _, left = psutil.wait_procs(family, _QUIT_SECONDS)
        for process in left:
            process.kill()
        psutil.wait_procs(left, _QUIT_SECONDS)
        self._process.wait(_QUIT_SECONDS)
        self._thread.join()
        os.close(self._theirs)
        os.close(self._ours)

    def press(self, keys: str) -> float:
        """Type; return when."""
        begun = time.perf_counter()
        os.write(self._ours, keys.encode())
        return begun

    def wait(self, condition: Condition, limit: float) -> float:
        """Wait for a screen; return when its last byte came. Raises `LateError` after `limit`
        seconds, or when the program has ended before."""
        deadline = time.perf_counter() + limit
        at = time.perf_counter()
        while not condition(self.screen):
            with self._news:
                while self._shown == len(self.sent):
                    left = deadline - time.perf_counter()
                    if left <= 0:
                        raise LateError(f"not in {limit:g} s")
                    if not self._thread.is_alive():
                        raise LateError("ended by itself")
                    self._news.wait(min(left, 0.1))
            at = self._show_next()
        return at

    def answer(self, keys: str, condition: Condition, limit: float) -> float:
        """Type and wait for a screen; return after how many seconds it was there."""
        self.catch_up()
        begun = self.press(keys)
        return self.wait(condition, limit) - begun

    def watch(self, condition: Condition) -> Seen:
        """Look out for a screen from now on, whatever else is waited for."""
        self.catch_up()
        seen = Seen(condition)
        self._watched.append(seen)
        return seen

    def catch_up(self) -> None:
        """Make `screen` the one there is now."""
        while self._shown < len(self.sent):
            self._show_next()

    def frames(self) -> Iterator[tuple[float, Screen]]:
        """What has been sent and not been looked at: the screen after each piece, and when."""
        while self._shown < len(self.sent):
            yield self._show_next(), self.screen

    def family(self) -> list[psutil.Process]:
        """The program and what it has started."""
        try:
            program = psutil.Process(self._process.pid)
            return [program, *program.children(recursive=True)]
        except psutil.NoSuchProcess:
            return []

    def megabytes(self) -> tuple[float, float]:
        """The memory of the family, and of the program without what it has started: what is shared
        counts for each by its share."""
        found = []
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                found.append(process.memory_full_info().pss / 1e6)
        return sum(found), sum(found[:1])

    def cpu_seconds(self) -> float:
        """What the family has used, and those of it that have ended."""
        total = 0.0
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                total += sum(process.cpu_times()[:4])
        return total

    def settle(self, limit: float) -> float:
        """Wait until the family does next to nothing for half a second; return when that began.
        Raises `LateError` after `limit` seconds."""
        deadline = time.perf_counter() + limit
        used = self.cpu_seconds()
        quiet_since = time.perf_counter()
        while time.perf_counter() - quiet_since < 0.5:
            if time.perf_counter() > deadline:
                raise LateError(f"busy for {limit:g} s")
            time.sleep(0.1)
            before, used = used, self.cpu_seconds()
            if used - before > 0.03 or self._runs():
                quiet_since = time.perf_counter()
        self.catch_up()
        return quiet_since

    def _runs(self) -> bool:
        """Whether any of the family is on a processor, or waits for one that others have."""
        for process in self.family():
            with suppress(psutil.NoSuchProcess):
                if process.status() == psutil.STATUS_RUNNING:
                    return True
        return False

    def _show_next(self) -> float:
        at, text = self.sent[self._shown]
        self._shown += 1
        self.screen.feed(text)
        for seen in self._watched:
            if not seen.condition(self.screen):
                seen.at = 0.0
            elif not seen.at:
                seen.at = at
        return at

    def _read(self) -> None:
        while True:
            if not select.select([self._ours], [], [], 0.1)[0]:
                if self._process.poll() is not None:
                    return
                continue
            begun = time.perf_counter()
            pieces = [os.read(self._ours, _PIECE)]
            at = time.perf_counter()
            while at - begun < _FRAME and select.select([self._ours], [], [], _GAP)[0]:
                pieces.append(os.read(self._ours, _PIECE))
                at = time.perf_counter()
            with self._news:
                self.sent.append(Sent(at, b"".join(pieces)))
                self._news.notify_all()
