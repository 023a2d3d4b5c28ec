"""Files of a folder or a pattern join and leave, and none of their lines comes twice."""

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

import pytest

from console.logs.sources import folder
from console.logs.sources.folder import Folder
from tests.console.logs.sources.following import Clock, texts
from tests.console.logs.sources.rotating import write

Read = Callable[[Folder], list[str]]


class Left(NamedTuple):
    """What follows the folder, where its file was, and where it is."""

    group: Folder
    path: Path
    away: Path


@pytest.fixture
def read(clock: Clock) -> Read:
    """Looks at a folder a second later, and reads all of its files."""

    def look(group: Folder) -> list[str]:
        clock.now += 1
        lines: list[bytes] = []
        for _ in range(4):
            for member in group.members():
                lines += texts(member.poll())
        return [line.decode().strip() for line in lines]

    return look


@pytest.fixture
def left(tmp_path: Path, clock: Clock, read: Read) -> Iterator[Left]:
    """A folder whose only file has been given a name that it does not look for."""
    path, away = tmp_path / "a.log", tmp_path / "away"
    write(path, "1")
    group = Folder(tmp_path / "*.log", clock=clock)
    assert read(group) == ["1"]
    path.rename(away)
    read(group)
    clock.now += 20
    read(group)
    yield Left(group, path, away)
    group.close()


def test_new_files_join_and_vanished_ones_leave(tmp_path: Path, clock: Clock, read: Read) -> None:
    write(tmp_path / "a.log", "a1")
    write(tmp_path / "b.txt", "b1")
    write(tmp_path / ".hidden", "no")
    (tmp_path / "folder").mkdir()
    os.mkfifo(tmp_path / "pipe")
    group = Folder(tmp_path, clock=clock)
    assert sorted(read(group)) == ["a1", "b1"]
    write(tmp_path / "c.log", "c1", "c2")
    assert read(group) == ["c1", "c2"]
    (tmp_path / "a.log").unlink()
    (tmp_path / "b.txt").unlink()
    write(tmp_path / "b.txt", "b2")
    assert read(group) == ["b2"]
    clock.now += 20
    read(group)
    clock.now += 20
    assert sorted(Path(each.name).name for each in group.members()) == ["b.txt", "c.log"]
    group.close()


def test_rotated_and_compressed_files_come_once(tmp_path: Path, clock: Clock, read: Read) -> None:
    log = tmp_path / "app.log"
    write(log, "1")
    write(tmp_path / "app.log.1", "old")
    (tmp_path / "app.log.2.gz").write_bytes(gzip.compress(b"older\n"))
    group = Folder(tmp_path / "app*", clock=clock)
    assert read(group) == ["1"]
    for number in range(2, 6):
        write(log, f"{number}")
        log.rename(f"{log}-2026011{number}")
        write(log, f"{number} new")
        assert read(group) == [f"{number}", f"{number} new"]
        clock.now += 20
        assert read(group) == []
    group.close()


def test_a_file_that_was_given_another_name_goes_on(
    tmp_path: Path, clock: Clock, read: Read
) -> None:
    write(tmp_path / "current.log", "1")
    group = Folder(tmp_path / "*.log", clock=clock)
    assert read(group) == ["1"]
    (tmp_path / "current.log").rename(tmp_path / "finished.log")
    write(tmp_path / "current.log", "2")
    assert read(group) == ["2"]
    for member in group.members():
        # It is read under its old name until the writer has had time to open the new one.
        member._clock = lambda: 1e9
        member.poll()
    assert read(group) == []
    write(tmp_path / "finished.log", "one more")
    assert read(group) == ["one more"]
    group.close()


def test_a_file_that_was_away_goes_on(left: Left, read: Read) -> None:
    group, path, away = left
    assert group.members() == ()
    assert group.state == "no such file yet"
    write(away, "2")
    away.rename(path)
    assert read(group) == ["2"]
    assert group.state == ""


def test_another_file_with_the_same_inode_is_new(left: Left, read: Read) -> None:
    group, path, away = left
    away.write_text(f"{'of another':<300}\n")
    away.rename(path)
    assert read(group) == ["of another"]
    assert [member.truncations for member in group.members()] == [0]


def test_only_the_newest_files_are_open(
    tmp_path: Path, clock: Clock, read: Read, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(folder, "OPEN_FILES", 3)
    for number in range(6):
        path = tmp_path / f"app-2026-01-1{number}.log"
        write(path, f"{number}")
        os.utime(path, (number, number))
    group = Folder(tmp_path / "app-*.log", clock=clock)
    assert sorted(read(group)) == ["3", "4", "5"]
    assert group.state == "only the newest 3 of 6 files are followed"
    write(tmp_path / "app-2026-01-16.log", "6")
    read(group)
    assert len(group.members()) == 3
    # One that is written to again is followed again, from where it was left.
    write(tmp_path / "app-2026-01-13.log", "3 again")
    assert read(group) == ["3 again"]
    group.close()


def test_patterns_reach_into_folders(tmp_path: Path, clock: Clock, read: Read) -> None:
    for name in ("a", "a/b"):
        (tmp_path / name).mkdir()
        write(tmp_path / name / "app.log", name)
    group = Folder(tmp_path / "**" / "*.log", clock=clock)
    assert sorted(read(group)) == ["a", "a/b"]
    group.close()
    assert read(Folder(tmp_path / "[", clock=clock)) == []
