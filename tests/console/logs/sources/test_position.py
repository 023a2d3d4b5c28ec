"""A follower that is started again goes on where it stopped, whatever happened in between."""

import gzip
import os
import re
import shutil
from pathlib import Path

import pytest

from console.logs.follower import Follower
from console.logs.sources.position import Fingerprint, Positions
from tests.console.logs.sources.following import Writer, texts, times
from tests.support import wait_until


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is, with two lines in it."""
    path = tmp_path / "app.log"
    write(path, "one", "two")
    return path


def write(path: Path, *lines: str) -> None:
    with path.open("a") as file:
        file.writelines(f"{line:<300}\n" for line in lines)


def follow(path: Path, expected: list[str], *, fetch: int = 1_000) -> Follower:
    """Follow until the expected lines have come; they are all that comes."""
    follower = Follower([path], state=path.parent / "state")
    follower.start()
    lines: list[str] = []

    def come() -> bool:
        found = texts(follower.take(min(fetch, len(expected) + 1 - len(lines))))
        lines.extend(line.decode().strip() for line in found)
        return len(lines) >= len(expected)

    wait_until(come, f"{expected}")
    # Three looks more, of which nothing may come.
    (source,) = wait_until(lambda: follower._sources, "the source")
    wait_until(lambda: not source.behind, "the end")
    come()
    follower.stop()
    assert lines == expected
    return follower


def rotate(path: Path, number: int = 1) -> Path:
    return path.rename(f"{path}.{number}")


def test_it_goes_on_in_the_same_file(path: Path) -> None:
    follow(path, ["one", "two"])
    follow(path, [])
    write(path, "three")
    follow(path, ["three"])


def test_it_goes_on_after_the_last_line_that_was_fetched(path: Path) -> None:
    follower = Follower([path], state=path.parent / "state")
    follower.start()
    assert len(wait_until(lambda: follower.take(1), "a line")) == 1
    follower.stop()
    follow(path, ["two"])


def test_an_unfinished_line_is_read_whole(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"thr")
    follow(path, ["one", "two"])
    with path.open("ab") as file:
        file.write(b"ee\n")
    follow(path, ["three"])


def test_it_goes_on_through_rotations(path: Path) -> None:
    follow(path, ["one", "two"])
    write(path, "three")
    rotate(path).rename(f"{path}.2")
    write(path, "four")
    rotate(path)
    write(path, "five")
    follow(path, ["three", "four", "five"])
    follow(path, [])


def test_it_goes_on_in_a_compressed_file(path: Path) -> None:
    follow(path, ["one", "two"])
    write(path, "three")
    old = rotate(path)
    Path(f"{old}.gz").write_bytes(gzip.compress(old.read_bytes()))
    old.unlink()
    write(path, "four")
    follow(path, ["three", "four"])


def test_it_goes_on_in_the_copy_of_a_truncated_file(path: Path) -> None:
    follow(path, ["one", "two"])
    write(path, "three")
    shutil.copyfile(path, f"{path}.1")
    os.truncate(path, 0)
    write(path, *(f"new {number}" for number in range(9)))
    follow(path, ["three", *(f"new {number}" for number in range(9))])


def test_a_file_that_only_begins_the_same_is_another(path: Path) -> None:
    heading = "a heading of every log"
    path.unlink()
    write(path, heading, "one")
    follow(path, [heading, "one"])
    os.truncate(path, 0)
    write(path, heading, "two", "three")
    follower = follow(path, [heading, "two", "three"])
    assert follower.truncations == 1


def test_a_file_that_is_gone_is_told(path: Path) -> None:
    follow(path, ["one", "two"])
    # With an inode of its own.
    write(path.with_name("new"), "other")
    path.with_name("new").replace(path)
    follower = follow(path, ["other"])
    assert follower.truncations == 1
    ((name, told),) = follower.news()
    assert name == str(path)
    assert re.fullmatch(
        r"the file read until \d{4}-\d\d-\d\d .* is gone; what follows its byte 602 is missing",
        told,
    )


@pytest.mark.parametrize("end", ["", ".gz"])
@pytest.mark.parametrize(
    "moved",
    [
        ("old/app.log.2", "old/app.log.1"),
        ("log-archive/app.log-20260115", "log-archive/app.log-20260116"),
        ("../Old/app-2026-01-15.log", "../Old/app-2026-01-16.log"),
    ],
)
def test_it_goes_on_in_files_that_were_moved_away(
    tmp_path: Path, moved: tuple[str, str], end: str
) -> None:
    path = tmp_path / "log" / "app.log"
    path.parent.mkdir()
    write(path, "one")
    follow(path, ["one"])
    for line, name in zip(("two", "three"), moved, strict=True):
        write(path, line)
        target = path.parent / f"{name}{end}"
        target.parent.mkdir(exist_ok=True)
        content = path.read_bytes()
        path.rename(target)
        if end:
            target.write_bytes(gzip.compress(content))
    write(path, "four")
    follow(path, ["two", "three", "four"])


def test_it_goes_on_in_a_file_that_has_another_name(path: Path) -> None:
    follow(path, ["one", "two"])
    write(path, "three")
    path.rename(path.with_name("kept for later"))
    write(path, "four")
    follow(path, ["three", "four"])


def test_logs_of_others_in_folders_below_are_left_alone(path: Path) -> None:
    other = path.parent / "web" / "app.log.1"
    other.parent.mkdir()
    follow(path, ["one", "two"])
    write(other, "not ours")
    path.unlink()
    write(path, "other")
    follow(path, ["other"])


def test_a_state_that_cannot_be_read_is_none(path: Path) -> None:
    follow(path, ["one", "two"])
    (saved,) = (path.parent / "state").iterdir()
    good = saved.read_bytes()
    assert b"one" not in good
    for bad in (b"", good[:40], b"[]", good.replace(b'"offset":', b'"offset":-')):
        saved.write_bytes(bad)
        follow(path, ["one", "two"])


def test_a_state_that_cannot_be_written_is_told(path: Path) -> None:
    (path.parent / "state").touch()
    follower = follow(path, ["one", "two"])
    assert follower.states == [("position", "the place in the log cannot be saved: file exists")]


def test_bytes_are_known_again_by_their_beginning() -> None:
    print_ = Fingerprint.of(b"abc")
    assert print_.begins(b"abcdef")
    assert not print_.begins(b"ab")
    assert not print_.begins(b"abd")
    assert not Fingerprint.of(b"").begins(b"abc")


def test_sources_are_told_apart(tmp_path: Path) -> None:
    assert Positions(tmp_path).load("never seen") is None


def test_killed_again_and_again_it_misses_nothing(tmp_path: Path) -> None:
    """Stopped at any moment under a rotating writer, the next one goes on with the next line."""
    path = tmp_path / "app.log"
    writer = Writer(path, 5_000)
    numbers: list[int] = []
    for turn in range(6):
        follower = Follower([path], state=tmp_path / "state", times=times)
        follower.start()
        enough = len(numbers) + 400

        def come(follower: Follower = follower, enough: int = enough) -> bool:
            found = texts(follower.take(137))
            numbers.extend(int(line.rpartition(b":")[2].rstrip(b"}")) for line in found)
            return len(numbers) >= enough

        wait_until(come, "more lines")
        follower.stop()
        if turn % 2:
            path.rename(f"{path}.{turn}")
    total = writer.stop()
    follower = Follower([path], state=tmp_path / "state")
    follower.start()
    wait_until(lambda: come(follower, total), "the last lines")
    follower.stop()
    assert numbers == list(range(numbers[0], total))
