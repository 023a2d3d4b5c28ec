"""The console in a terminal, its keys pressed one after the other, and what that takes."""

import re
import sys
import time
from pathlib import Path

import psutil

from tests.console.terminal import Terminal

__all__ = ["Console"]

_FOUND = re.compile(rb" match(es)?\x1b")
_LIMIT = 30.0
_QUIET = 0.13
_CLEAR = "\x15"
_PAGE_UP, _PAGE_DOWN, _UP, _ESCAPE = "\x1b[5~", "\x1b[6~", "\x1b[A", "\x1b"


class Console(Terminal):
    """`opsconsole --log PATH`; `slowest` is how many seconds the slowest answer to a key took."""

    def __init__(self, log: Path, *arguments: str, opened: bytes = b" following") -> None:
        argv = [sys.executable, "-m", "console", "--name", "shop", "--log", log.name, *arguments]
        super().__init__(argv, log.parent)
        self.slowest = 0.0
        self._most: dict[int, float] = {}
        self.wait(opened)

    def wait(self, text: bytes, keys: str = "") -> None:
        """Press keys, wait until a text is drawn behind that, and until no more is drawn."""
        begin = len(self.output)
        self.press(keys)
        deadline = time.monotonic() + _LIMIT
        while text not in self.output[begin:]:
            assert time.monotonic() < deadline, (text, self.output[-2_000:])
            self._read(0.1)
        self.rest()

    def rest(self) -> None:
        """Read until no more is drawn: an escape that is followed at once is another key."""
        deadline = time.monotonic() + _LIMIT
        while self._read(_QUIET):
            assert time.monotonic() < deadline, self.output[-2_000:]

    def settle(self) -> None:
        """Have the help drawn and taken away again: all keys before that are answered then."""
        self.rest()
        begun, begin = time.monotonic(), len(self.output)
        self.press("?")
        while b"follow again" not in self.output[begin:]:
            assert time.monotonic() < begun + _LIMIT, self.output[-2_000:]
            self._read(_LIMIT)
        self.slowest = max(self.slowest, time.monotonic() - begun)
        self.note_memory()
        self.rest()
        self.press("?")
        self.rest()

    def note_memory(self) -> None:
        """Remember the most memory that each of the processes has had so far."""
        console = psutil.Process(self.process.pid)
        for process in [console, *console.children(recursive=True)]:
            self._most[process.pid] = _most_megabytes(process.pid)

    @property
    def megabytes(self) -> list[float]:
        """The most memory that each of the processes has had, the console first."""
        return list(self._most.values())

    def page_up(self, pages: int) -> None:
        """Go up by pages, each of them drawn."""
        for _ in range(pages):
            self.press(_PAGE_UP)
            self.settle()

    def walk(self) -> None:
        """Go everywhere: the ends, lines in full, statistics, a filter and what it finds."""
        for keys in ("g", _PAGE_DOWN, "G"):
            self.press(keys)
            self.settle()
        for _ in range(3):
            self.wait(b"One line", "\r")
            for keys in (_PAGE_DOWN * 3, "v", _PAGE_DOWN * 3):
                self.press(keys)
                self.rest()
            self.wait(b"REQUEST OR EVENT", _ESCAPE)
            self.press(_UP)
        self.wait(b"up to date", "s")
        self.settle()
        self.wait(b"REQUEST OR EVENT", _ESCAPE)
        for wanted in ("level>=error", "a.b:*", "-message~~^[a-z]$"):
            self.wait(b"show matches", "/")
            for keys in (_UP * 3, _CLEAR):
                self.press(keys)
                self.rest()
            self.wait(wanted.encode(), wanted)
            self.search("\r")
            self.press("g")
            self.settle()
            self.press("G")
            self.settle()

    def search(self, keys: str) -> None:
        """Press keys that end the typing of a filter, and wait until it is told what was found."""
        begin = len(self.output)
        self.press(keys)
        deadline = time.monotonic() + _LIMIT
        # What is offered in the prompt holds the word, too, but does not end with it.
        while not _FOUND.search(self.output, begin):
            assert time.monotonic() < deadline, self.output[-2_000:]
            self._read(0.1)
        self.rest()

    def quit(self) -> int:
        """Leave; return the exit code."""
        self.settle()
        self.press("q")
        return self.end()


def _most_megabytes(process: int) -> float:
    try:
        status = Path(f"/proc/{process}/status").read_text("ascii", "replace")
    except OSError:
        return 0.0
    found = (line.split()[1] for line in status.splitlines() if line.startswith("VmHWM"))
    return int(next(found, "0")) / 1000
