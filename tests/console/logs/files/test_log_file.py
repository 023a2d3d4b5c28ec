"""A file held open knows its whole lines, and notices what rotation does to it."""

import os
from pathlib import Path

import pytest

from console.logs.files.log_file import LogFile


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\ntwo\nthr")
    return path


def append(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_an_unfinished_line_waits(path: Path) -> None:
    log = LogFile.open(path)
    assert (log.size, log.end) == (11, 8)
    append(path, b"ee")
    assert log.refresh() == ""
    assert (log.size, log.end) == (13, 8)
    append(path, b"\nfo")
    assert log.refresh() == ""
    assert log.end == 14


def test_the_last_line_of_a_finished_file_needs_no_newline(path: Path) -> None:
    assert LogFile.open(path, whole=True).end == 11


def test_a_long_unfinished_line_is_looked_through_once(path: Path, monkeypatch) -> None:
    log = LogFile.open(path)
    append(path, b"x" * 1_000_000)
    log.refresh()
    reads: list[int] = []
    monkeypatch.setattr(log, "read", lambda _, size: reads.append(size) or b"")
    monkeypatch.setattr(log, "_marks", {})
    append(path, b"y" * 10)
    log.refresh()
    assert sum(reads) < 1_000
    assert log.end == 8


def test_rename_and_create(path: Path) -> None:
    log = LogFile.open(path)
    path.rename(path.with_suffix(".1"))
    assert log.refresh() == "removed"
    path.write_bytes(b"new\n")
    assert log.refresh() == "replaced"
    assert log.read(0, 3) == b"one"
    append(path.with_suffix(".1"), b"ee\n")
    log.refresh()
    assert log.end == 14


def test_truncated_in_place(path: Path) -> None:
    log = LogFile.open(path)
    os.truncate(path, 0)
    assert log.refresh() == "truncated"


def test_truncated_and_grown_past_its_old_size(path: Path) -> None:
    log = LogFile.open(path)
    path.write_bytes(b"one\ntwo\nxxx and much more\n")
    assert log.refresh() == "truncated"


def test_truncated_and_grown_with_the_same_beginning(path: Path) -> None:
    banner = b"started\n" * 20
    path.write_bytes(banner + b"one\n" * 50)
    log = LogFile.open(path)
    path.write_bytes(banner + b"two\n" * 100)
    assert log.refresh() == "truncated"


def test_a_folder_or_a_pipe_is_no_log_file(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name in (".", "pipe"):
        with pytest.raises(OSError, match="not a regular file"):
            LogFile.open(tmp_path / name)


def test_its_descriptor_is_closed_with_it(path: Path) -> None:
    log = LogFile.open(path)
    descriptor = log.descriptor
    del log
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
