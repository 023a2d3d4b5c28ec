"""The log's rotation keeps so many files, loses no line of who writes, and stops at once."""

import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from service.observability.targets import FileTarget
from tests.deploy.docker.composition import DEPLOY
from tests.support import environment, wait_until

FILE = DEPLOY / "docker/rotate.py"


def run(*arguments: str, size: str = "1000") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, FILE, *arguments],
        env=environment(LOG_MAX_SIZE=size),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


@contextmanager
def rotating(log: Path) -> Iterator[subprocess.Popen[bytes]]:
    with subprocess.Popen(
        [sys.executable, FILE, log],
        env=environment(LOG_MAX_SIZE="1000"),
        stdout=subprocess.DEVNULL,
    ) as process:
        try:
            yield process
            process.send_signal(signal.SIGTERM)
            assert process.wait(10) == 0
        finally:
            process.kill()


def test_so_many_are_kept(tmp_path: Path) -> None:
    log = tmp_path / "service.jsonl"
    for number in range(8):
        log.write_text(f"{number} " * 600)
        with rotating(log):
            wait_until(lambda: not log.exists(), "the rotation")
    kept = sorted(tmp_path.iterdir())
    assert [each.name for each in kept] == [f"service.jsonl.{number}" for number in range(1, 6)]
    assert [each.read_text()[0] for each in kept] == ["7", "6", "5", "4", "3"]


def test_whoever_writes_goes_on_in_the_new_file(tmp_path: Path) -> None:
    log = tmp_path / "service.jsonl"
    target = FileTarget(str(log))
    target.write(b"first\n" * 200, None)
    with rotating(log):
        wait_until(lambda: not log.exists(), "the rotation")
    target.write(b"second\n", None)
    target.release()
    assert log.read_bytes() == b"second\n"
    assert (tmp_path / "service.jsonl.1").read_bytes() == b"first\n" * 200


def test_a_small_file_stays(tmp_path: Path) -> None:
    log = tmp_path / "service.jsonl"
    log.write_text("line")
    with rotating(log) as process, pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.5)
    assert log.read_text() == "line"


@pytest.mark.parametrize(("size", "code"), [(0, 0), (1999, 0), (2001, 1)])
def test_the_check_sees_that_nobody_rotates(size: int, code: int, tmp_path: Path) -> None:
    log = tmp_path / "service.jsonl"
    log.write_bytes(b"x" * size)
    assert run("--check", str(log)).returncode == code


@pytest.mark.parametrize("arguments", [(), ("--chek", "file")])
def test_what_cannot_be_used_is_said(arguments: tuple[str, ...]) -> None:
    done = run(*arguments)
    assert done.returncode == 2
    assert "give the file" in done.stderr
