"""A program in a terminal of its own, and all that it has sent there."""

import fcntl
import os
import pty
import select
import struct
import subprocess
import termios
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Self

import pytest

__all__ = ["Terminal"]

ROOT = Path(__file__).resolve().parents[2]


class Terminal:
    """A pseudo-terminal of 120 by 40; the program is killed when it is left running."""

    def __init__(self, argv: Sequence[str], folder: Path, **variables: str) -> None:
        self._ours, self._theirs = pty.openpty()
        fcntl.ioctl(self._theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 40, 120, 0, 0))
        environment = {"PYTHONPATH": str(ROOT), "TERM": "xterm-256color", **variables}
        self.process = subprocess.Popen(
            argv,
            cwd=folder,
            env=os.environ | environment,
            stdin=self._theirs,
            stdout=self._theirs,
            stderr=self._theirs,
            start_new_session=True,
        )
        self.output = b""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self._ours >= 0:
            os.close(self._ours)
        os.close(self._theirs)

    @property
    def echoes(self) -> bool:
        """Whether what is typed is shown."""
        return bool(termios.tcgetattr(self._theirs)[3] & termios.ECHO)

    def hang_up(self) -> None:
        """Take the terminal away; no signal comes with it, for it controls no process."""
        os.close(self._ours)
        self._ours = -1

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._ours, keys.encode())

    def until(self, text: bytes, *, count: int = 1, limit: float = 30.0) -> None:
        """Read until a text has come so many times; fail when it does not."""
        deadline = time.monotonic() + limit
        while self.output.count(text) < count:
            if time.monotonic() > deadline:
                pytest.fail(f"{text!r} did not come; the end was {self.output[-2000:]!r}")
            self._read(0.1)

    def end(self, limit: float = 10.0) -> int:
        """Read to the end of the program, and return its exit code."""
        deadline = time.monotonic() + limit
        while self.process.poll() is None and time.monotonic() < deadline:
            self._read(0.05)
        while self._read(0):
            pass
        return self.process.wait(0.1)

    def _read(self, seconds: float) -> bool:
        if not select.select([self._ours], [], [], seconds)[0]:
            return False
        self.output += os.read(self._ours, 65536)
        return True
