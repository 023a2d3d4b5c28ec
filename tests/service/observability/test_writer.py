"""Log lines reach their file whole and all of them, rotated or not, from several processes."""

import subprocess
import sys
from pathlib import Path

import psutil
import pytest

from service.observability import backlog
from service.observability.writer import FileTarget, Writer
from tests.support import ROOT, wait_until


def test_lines_arrive_in_order_without_a_flush(tmp_path: Path) -> None:
    path = tmp_path / "deep" / "log.jsonl"
    writer = Writer(FileTarget(str(path)))
    lines = [b"%d\n" % number for number in range(1000)]
    for line in lines:
        writer.write(line)
    wait_until(lambda: path.exists() and path.read_bytes() == b"".join(lines), "all lines")


def test_burst_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    writer = Writer(FileTarget(str(path)))
    count = 100_000
    for number in range(count):
        writer.write(b"%d\n" % number)
    writer.flush()
    assert path.read_bytes().splitlines() == [b"%d" % number for number in range(count)]


def test_one_line_waits_for_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backlog, "GATHER", 3600.0)
    path = tmp_path / "log.jsonl"
    writer = Writer(FileTarget(str(path)))
    writer.write(b"first\n")
    wait_until(lambda: path.exists() and path.read_bytes(), "the line")
    writer.write(b"second\n")
    writer.flush()  # which does not wait either
    assert path.read_bytes() == b"first\nsecond\n"


def test_nothing_is_held_open_by_one_who_is_silent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(backlog, "IDLE", 0.05)
    path = tmp_path / "log.jsonl"
    writer = Writer(FileTarget(str(path)))

    def held() -> bool:
        return any(Path(each.path) == path for each in psutil.Process().open_files())

    for number in range(2):
        writer.write(b"line\n")
        wait_until(lambda: path.exists() and path.read_bytes(), "the line")
        wait_until(lambda: not held(), "letting go")
        path.rename(tmp_path / f"rotated.{number}")


def test_file_rotated_away_is_followed_by_name(tmp_path: Path) -> None:
    path, rotated = tmp_path / "log.jsonl", tmp_path / "log.jsonl.1"
    writer = Writer(FileTarget(str(path)))
    writer.write(b"before\n")
    writer.flush()
    path.rename(rotated)

    writer.write(b"after\n")
    writer.flush()
    assert rotated.read_bytes() == b"before\n"
    assert path.read_bytes() == b"after\n"


def test_unwritable_file_falls_back_to_standard_error(tmp_path: Path) -> None:
    script = (
        "from service.observability.writer import FileTarget, Writer\n"
        f"writer = Writer(FileTarget({str(tmp_path)!r}))\n"
        "for number in range(3):\n"
        "    writer.write(b'line %d\\n' % number)\n"
        "    writer.flush()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, timeout=30, check=True
    )
    notice, *lines = done.stderr.decode().splitlines()
    assert "lines go to standard error" in notice
    assert lines == ["line 0", "line 1", "line 2"]


def test_lines_of_a_process_that_exits_are_written(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    script = (
        "from service.observability.writer import FileTarget, Writer\n"
        f"writer = Writer(FileTarget({str(path)!r}))\n"
        "writer.write(b'last words\\n')\n"
        "raise SystemExit(3)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=False)
    assert done.returncode == 3
    assert path.read_bytes() == b"last words\n"


def test_several_processes_tear_no_line(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    script = (
        "import os\n"
        "from service.observability.writer import FileTarget, Writer\n"
        f"writer = Writer(FileTarget({str(path)!r}))\n"
        "for number in range(2000):\n"
        "    writer.write(b'%d %d %s\\n' % (os.getpid(), number, b'x' * (number % 300)))\n"
    )
    processes = [subprocess.Popen([sys.executable, "-c", script], cwd=ROOT) for _ in range(4)]
    assert [process.wait(60) for process in processes] == [0] * 4
    seen: dict[bytes, list[int]] = {}
    for line in path.read_bytes().splitlines():
        pid, number, filling = line.split(b" ")
        assert filling == b"x" * (int(number) % 300)
        seen.setdefault(pid, []).append(int(number))
    assert len(seen) == 4
    assert all(numbers == list(range(2000)) for numbers in seen.values())


def test_child_of_a_fork_writes_with_a_thread_of_its_own(tmp_path: Path) -> None:
    path = tmp_path / "log.jsonl"
    script = (
        "import os\n"
        "from service.observability.writer import FileTarget, Writer\n"
        f"writer = Writer(FileTarget({str(path)!r}))\n"
        "writer.write(b'parent\\n')\n"
        "writer.flush()\n"
        "child = os.fork()\n"
        "writer.write(b'child\\n' if child == 0 else b'parent again\\n')\n"
        "if child: os.waitpid(child, 0)\n"
    )
    subprocess.run([sys.executable, "-c", script], cwd=ROOT, timeout=30, check=True)
    assert sorted(path.read_bytes().splitlines()) == [b"child", b"parent", b"parent again"]
