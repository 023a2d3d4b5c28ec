"""The console's Logs screen in a terminal: `python -m benchmarks.logs_screen FOLDER`.

Makes a log of 50 MB and one of 1 GB in FOLDER unless they are there (see logs_data), opens each in
the real `opsconsole` behind a pseudo-terminal, presses its keys and reads what it draws. What is
looked for are texts that only a newly drawn line can hold.
"""

import argparse
import fcntl
import json
import os
import pty
import re
import select
import statistics
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import psutil

from benchmarks import logs_data

LINES, COLUMNS = 40, 120
SIZES = {"50 MB": 50, "1 GB": 1000}
RATES = (1_000, 10_000, 50_000)
SECONDS = 10.0
LAUNCHES = 5
LIMIT = 30.0
_ESCAPE = re.compile(rb"\x1b\[[0-9;?<>=]*[a-zA-Z]|\x1b[()][A-Z0-9]")
_COUNTED = re.compile(rb"[\d,]{6,} lines")
_MATCHES = re.compile(rb"([\d,]+) match(?:es)?(, \d+ %)?")


class Console:
    """`opsconsole --log PATH` in a terminal of its own; `text` is all it has drawn."""

    def __init__(self, path: Path) -> None:
        self._terminal, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", LINES, COLUMNS, 0, 0))
        self.launched = time.perf_counter()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "console", "--log", str(path)],
            env=os.environ | {"TERM": "xterm-256color", "COLORTERM": "truecolor"},
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
        )
        os.close(inner)
        self.text = bytearray()
        self.on_text: Callable[[bytes], None] = lambda _: None
        self._drawn = threading.Condition()
        self._thread = threading.Thread(target=self._read, daemon=True)
        self._thread.start()

    def press(self, keys: str) -> None:
        """Type."""
        os.write(self._terminal, keys.encode())

    def wait(self, text: bytes, *, after: int = 0) -> float:
        """Wait until a text is drawn behind `after`; return when it was."""
        return self.wait_for(re.compile(re.escape(text)), after=after)

    def wait_for(self, pattern: re.Pattern[bytes], *, after: int = 0) -> float:
        """Wait until a text that matches is drawn behind `after`; return when it was."""
        with self._drawn:
            if not self._drawn.wait_for(lambda: pattern.search(self.text, after), LIMIT):
                raise SystemExit(f"{pattern.pattern!r} was not drawn in {LIMIT:.0f} s")
            return time.perf_counter()

    def answer(self, keys: str, text: bytes) -> float:
        """Type and wait for a text; return after how many seconds it was drawn."""
        after, begun = len(self.text), time.perf_counter()
        self.press(keys)
        return self.wait(text, after=after) - begun

    @property
    def processes(self) -> list[psutil.Process]:
        """The console and its workers."""
        console = psutil.Process(self._process.pid)
        return [console, *console.children(recursive=True)]

    def megabytes(self) -> tuple[float, float]:
        """Return the memory of the console, and that of its workers: proportional set sizes."""
        found = [process.memory_full_info().pss / 1e6 for process in self.processes]
        return found[0], sum(found[1:])

    def cpu_seconds(self) -> float:
        """Return what it and its workers have used."""
        return sum(sum(process.cpu_times()[:2]) for process in self.processes)

    def close(self) -> None:
        """Quit."""
        self.press("\x1b")
        time.sleep(0.2)
        self.press("q")
        try:
            self._process.wait(5)
        except subprocess.TimeoutExpired:
            self._process.kill()
            raise SystemExit("opsconsole does not quit") from None
        self._thread.join(5)
        os.close(self._terminal)

    def _read(self) -> None:
        while True:
            try:
                if not select.select([self._terminal], [], [], 0.2)[0]:
                    if self._process.poll() is not None:
                        return
                    continue
                chunk = os.read(self._terminal, 1 << 20)
            except OSError:
                return
            plain = _ESCAPE.sub(b"", chunk)
            with self._drawn:
                self.text += plain
                self._drawn.notify_all()
            self.on_text(plain)


def line(event: str) -> bytes:
    """A line as the service writes it, some 283 bytes."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, object] = {
        "timestamp": moment,
        "level": "INFO",
        "event": event,
        "request_id": "f" * 32,
    }
    fields |= {"method": "GET", "path": "/api/v1/users/4711", "status": 200, "duration_ms": 12.5}
    fields |= {"user_id": 4711, "route": "/api/v1/users/{user_id}", "client": "10.20.3.77"}
    return json.dumps(fields | {"instance": "web1", "pid": 4100}).encode() + b"\n"


def append(path: Path, *lines: bytes) -> None:
    """Write at the end of the file, at once."""
    with path.open("ab", buffering=0) as file:
        file.write(b"".join(lines))


def launches(path: Path) -> None:
    """Measure how soon the newest line is there, and how soon a key is answered."""
    first, ready = [], []
    for number in range(LAUNCHES):
        marker = f"launch-{time.time_ns()}-{number}"
        append(path, line(marker))
        console = Console(path)
        console.press("?")
        first.append(console.wait(marker.encode()) - console.launched)
        ready.append(console.wait(b"follow again") - console.launched)
        console.close()
    print(f"  newest line {_seconds(first)}, a key answered {_seconds(ready)}", flush=True)


def scanning(path: Path) -> None:
    """Measure memory and filters, with keys pressed all the while."""
    console = Console(path)
    indexed = console.wait_for(_COUNTED) - console.launched
    own, workers = console.megabytes()
    print(f"  lines counted {indexed:.2f} s after launch; {own:.0f} MB, workers {workers:.0f} MB")
    for wanted in ("level>=error", "status>=500 duration_ms>250", '"no such words"'):
        console.answer("/", b"show matches")
        console.press(wanted)
        time.sleep(0.5)
        after, begun = len(console.text), time.perf_counter()
        console.press("\r")
        screen = console.wait(b" match", after=after) - begun
        keys = []
        while not _complete(console.text[after:]):
            keys.append(console.answer("?", b"follow again"))
            console.answer("?", b"LEVEL")
        complete = time.perf_counter() - begun
        (count, _) = _MATCHES.findall(console.text)[-1]
        told = f"keys {_seconds(keys)}" if keys else "before a key could be pressed"
        print(f"  {wanted}: first {screen:.3f} s, all {complete:.2f} s, {count.decode()}; {told}")
        console.press("\x1b")
        time.sleep(0.5)
    own, workers = console.megabytes()
    print(f"  then {own:.0f} MB, workers {workers:.0f} MB", flush=True)
    console.close()


def following(path: Path, rate: int) -> None:
    """Measure what following costs, and how late lines are drawn."""
    console = Console(path)
    console.wait(b" following")
    time.sleep(2.0)
    written: list[float] = []
    seen: list[tuple[float, int]] = []

    def look(text: bytes) -> None:
        now = time.perf_counter()
        newest = max((int(n) for n in re.findall(rb"mark-(\d{6})", text)), default=-1)
        if newest > (seen[-1][1] if seen else -1):
            seen.append((now, newest))

    console.on_text = look
    filler = line("request")
    before, begun = console.cpu_seconds(), time.perf_counter()
    sent = 0
    with path.open("ab", buffering=0) as file:
        while (now := time.perf_counter()) - begun < SECONDS:
            due = int((now - begun) * rate)
            if due > sent:
                file.write(filler * (due - sent - 1) + line(f"mark-{len(written):06}"))
                written.append(time.perf_counter())
                sent = due
            time.sleep(0.01)
    used = console.cpu_seconds() - before
    time.sleep(0.5)
    lags = []
    for number, at in enumerate(written):
        drawn = next((when for when, newest in seen if newest >= number), None)
        if drawn is not None:
            lags.append(drawn - at)
    own, workers = console.megabytes()
    console.press("\x1b")
    console.close()
    print(
        f"  {rate:,} lines/s: lag median {statistics.median(lags):.3f}, max {max(lags):.3f} s,"
        f" {len(written) - len(lags)} never drawn; {len(seen) / SECONDS:.1f} frames/s;"
        f" {used:.2f} CPU-s in {SECONDS:.0f} s; {own:.0f} MB, workers {workers:.0f} MB",
        flush=True,
    )


def _complete(text: bytearray) -> bool:
    found = _MATCHES.findall(text)
    return bool(found) and not found[-1][1]


def _seconds(values: list[float]) -> str:
    return f"median {statistics.median(values):.3f} max {max(values):.3f} s"


def main() -> None:
    """Measure all of it."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs_screen", description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", choices=("launch", "scan", "follow"))
    options = parser.parse_args()
    for name, megabytes in SIZES.items():
        path = options.folder / f"{megabytes}.jsonl"
        if not path.exists():
            with path.open("wb") as file:
                logs_data.write(file, megabytes * 1_000_000)
        print(name, flush=True)
        if options.only in {None, "launch"}:
            launches(path)
        if options.only in {None, "scan"}:
            scanning(path)
        if options.only in {None, "follow"}:
            size = path.stat().st_size
            for rate in RATES:
                following(path, rate)
                os.truncate(path, size)


if __name__ == "__main__":
    main()
