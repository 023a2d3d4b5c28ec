"""The log's disk is full while Gunicorn's workers serve: every request is answered, every line is
in the log or on standard error, and the log goes on by itself."""

import os
import shutil
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.faults.logs.asking import asking
from tests.faults.logs.reading import named, parsed
from tests.faults.record import row
from tests.faults.scene import Scene
from tests.service.support import GUNICORN, answers
from tests.support import ROOT, environment, free_port, wait_until

BEGAN = "log output failed: lines go to standard error"
ENDED = "log output works again"
MOUNT = 'mount -t tmpfs -o size=4m none "$0" && exec "$@"'


@dataclass
class Mounted:
    """Gunicorn, and the small disk that it alone sees."""

    process: subprocess.Popen[bytes]
    url: str
    disk: Path
    error: Path

    @property
    def log(self) -> bytes:
        """What is in the log."""
        return (self.disk / "service.jsonl").read_bytes()

    def fill(self) -> None:
        """Leaves no room on the disk."""
        with (self.disk / "other").open("wb", buffering=0) as other:
            try:
                while True:
                    other.write(b"x" * 65_536)
            except OSError:
                return


@contextmanager
def mounted(site: Scene, folder: Path) -> Iterator[Mounted]:
    """The service with two workers, its log on a file system of 4 MB."""
    disk = folder / "disk"
    disk.mkdir()
    unshare = [shutil.which("unshare") or "false", "-rm", "sh", "-c", MOUNT, str(disk)]
    if subprocess.run([*unshare, "true"], capture_output=True, check=False).returncode:
        pytest.skip("this machine mounts no file system for an ordinary user")
    port = str(free_port())
    more = {"PORT": port, "LOG_FILE": str(disk / "service.jsonl")}
    error = folder / "stderr"
    with error.open("wb") as output:
        process = subprocess.Popen(
            [*unshare, sys.executable, *GUNICORN],
            cwd=ROOT,
            env=environment(**site.variables() | more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=output,
        )
    seen = Path(f"/proc/{process.pid}/root{disk}")
    service = Mounted(process, f"http://127.0.0.1:{port}", seen, error)
    try:
        wait_until(lambda: process.poll() is not None or answers(service.url), "the service", 30)
        assert process.poll() is None, error.read_text()
        yield service
    finally:
        process.terminate()
        try:
            process.wait(30)
        finally:
            process.kill()


def test_disk_full(site: Scene, tmp_path: Path) -> None:
    goal = "requests answered; each line once, in the log or on standard error; recovers"
    with row("log: its disk is full", goal) as it, mounted(site, tmp_path) as service:
        with asking(service.url) as told:
            wait_until(lambda: len(told.sent) > 50, "requests", 30)
            service.fill()
            wait_until(lambda: BEGAN.encode() in service.error.read_bytes(), "lines there", 30)
            more = len(told.sent) + 200
            wait_until(lambda: len(told.sent) > more, "requests with a full disk", 30)
            (service.disk / "other").unlink()
            wait_until(lambda: ENDED.encode() in service.log, "the log", 30)
            more = len(told.sent) + 50
            wait_until(lambda: len(told.sent) > more, "requests", 30)
        # The disk is gone with the last process that sees it.
        kept = os.open(service.disk / "service.jsonl", os.O_RDONLY)
        service.process.terminate()
        code = service.process.wait(45)
        with os.fdopen(kept, "rb") as file:
            lines, torn = parsed(file.read())
        others, broken = parsed(service.error.read_bytes())
        found, elsewhere = (Counter(named(each, told.run)) for each in (lines, others))
        both = found + elsewhere
        missing = sorted(set(told.sent) - set(both))
        began = Counter(line["pid"] for line in others if line["event"] == BEGAN)
        ended = Counter(line["pid"] for line in lines if line["event"] == ENDED)
        it.note(lines=f"{len(told.sent):,}", on_standard_error=f"{elsewhere.total():,}")
        it.must(code == 0, f"exit code {code}")
        it.must(not told.failed, f"{len(told.failed)} requests failed")
        it.must(not torn and not broken, f"torn: {torn[:3]}, {broken[:3]}")
        it.must(not missing, f"lost: {missing[:3]}")
        it.must(max(both.values()) == 1, f"twice: {both.most_common(3)}")
        it.must(elsewhere, "nothing went to standard error")
        it.must(set(began.values()) == {1}, f"not said once by each: {began}")
        it.must(set(ended.values()) == {1}, f"its end is not said once: {ended}")
        it.must(ended.keys() <= began.keys(), "an end without a beginning")
