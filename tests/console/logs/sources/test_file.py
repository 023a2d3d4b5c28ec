"""A followed file gives each byte once: between two looks, anything may have happened to it."""

import gzip
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from console.logs.sources.file import FileSource
from console.logs.sources.reader import TAIL_BYTES
from tests.console.logs.sources.following import texts
from tests.console.logs.sources.rotating import compress, read, rotate, write


def test_generations_between_two_looks_are_all_read(path: Path, source: FileSource) -> None:
    for number in range(5):
        write(path, f"{number} old", f"{number} new")
        rotate(path)
    write(path, "now")
    expected = [f"{number} {age}" for number in range(5) for age in ("old", "new")]
    assert read(source) == [*expected, "now"]
    assert [*source.news] == ["rotated more than once; read 4 older as well"]
    assert read(source) == []


@pytest.mark.parametrize("name", ["app.log-{0}", "app-2026011{0}.log", "app.log.2026-01-1{0}_10"])
def test_dated_names_are_found_as_well(path: Path, source: FileSource, name: str) -> None:
    for number in range(3):
        write(path, f"{number}")
        rotate(path, name.format(number))
    write(path, "now")
    assert read(source) == ["0", "1", "2", "now"]


def test_a_compressed_generation_is_read_and_a_compressed_old_one_is_not(
    path: Path, source: FileSource
) -> None:
    write(path, "more")
    compress(rotate(path))
    write(path, "unseen")
    compress(rotate(path))
    write(path, "now")
    assert read(source) == ["more", "unseen", "now"]
    compress(rotate(path))
    write(path, "later")
    assert read(source) == ["later"]


def test_what_was_rotated_before_the_first_look_is_history(path: Path) -> None:
    write(path, "history")
    rotate(path)
    write(path, "first")
    source = FileSource(path)
    assert read(source) == ["first"]
    rotate(path)
    write(path, "second")
    assert read(source) == ["second"]
    source.close()


def test_an_old_file_that_is_being_compressed_is_not_taken_for_a_new_one(path: Path) -> None:
    old = path.with_name("app.log.1")
    write(old, *(f"old {number}" for number in range(1_000)))
    os.utime(old, (86_400, 86_400))
    write(path, "first")
    source = FileSource(path)
    assert read(source) == ["first"]
    # As with logrotate's delaycompress: half of it is written, and the time is not yet set.
    rotate(path)
    data = gzip.compress(path.with_name("app.log.2").read_bytes())
    path.with_name("app.log.2.gz").write_bytes(data[: len(data) // 2])
    write(path, "second")
    assert read(source) == ["second"]
    source.close()


def test_generations_of_one_instant_are_read_in_their_order(path: Path, source: FileSource) -> None:
    for number in range(12):
        write(path, f"{number}")
        rotate(path)
    write(path, "now")
    for number in range(1, 10):
        os.utime(path.with_name(f"app.log.{number}"), (2e9, 2e9))
    # Nine are kept, and the one that was open when it began.
    assert read(source) == ["0", *(f"{number}" for number in range(3, 12)), "now"]


def test_a_generation_that_is_there_twice_is_read_once(path: Path, source: FileSource) -> None:
    for line in ("1", "2"):
        write(path, line)
        old = rotate(path)
    # Gzip has written the compressed file, and not yet removed the other one.
    path.with_name("app.log.1.gz").write_bytes(gzip.compress(old.read_bytes()))
    write(path, "now")
    assert read(source) == ["1", "2", "now"]


def test_files_of_other_names_are_let_alone(path: Path, source: FileSource) -> None:
    rotate(path)
    for name in ("app.log.lock", "app.log.tmp", "application.log.1", "app-worker.log", "app-2.log"):
        write(path.with_name(name), f"in {name}")
    path.with_name("app.log.7").mkdir()
    os.mkfifo(path.with_name("app.log.8"))
    write(path, "second")
    assert read(source) == ["second"]


def test_an_old_file_that_is_put_back_is_not_news(path: Path, source: FileSource) -> None:
    restored = path.with_name("app.log.7")
    write(restored, "from the backup")
    os.utime(restored, (86_400, 86_400))
    rotate(path)
    write(path, "second")
    assert read(source) == ["second"]


def test_a_file_that_was_rotated_while_empty_is_read_when_it_is_written(path: Path) -> None:
    now = [0.0]
    write(path, "first")
    source = FileSource(path, clock=lambda: now[0])
    assert read(source) == ["first"]
    rotate(path)
    with path.open("a") as writer:
        rotate(path)
        path.touch()
        assert read(source) == []
        writer.write("written late\n")
    write(path, "now")
    assert read(source) == ["now"]
    now[0] += 1.5
    assert read(source) == ["written late"]
    now[0] += 1.5
    assert read(source) == []
    source.close()


def test_a_deleted_file_is_read_to_its_end(path: Path, source: FileSource) -> None:
    with path.open("a") as writer:
        path.unlink()
        assert read(source) == []
        assert source.state == "removed; waiting for a new one"
        writer.write("last words\n")
    write(path, "new")
    assert read(source) == ["last words", "new"]
    assert source.state == ""


def test_a_writer_that_never_reopens_is_heard_as_long_as_it_writes(path: Path) -> None:
    now = [0.0]
    write(path, "first")
    source = FileSource(path, clock=lambda: now[0])
    assert read(source) == ["first"]
    old = rotate(path)
    write(path, "in the new file")
    assert read(source) == ["in the new file"]
    for turn in range(5):
        now[0] += 4
        write(old, f"{turn}")
        assert read(source) == [f"{turn}"]
    now[0] += 6
    assert read(source) == []
    write(old, "after all")
    assert read(source) == []
    source.close()


def test_a_log_in_a_folder_that_comes_later(tmp_path: Path) -> None:
    folder = tmp_path / "log"
    source = FileSource(folder / "app.log")
    assert read(source) == []
    folder.mkdir()
    (folder / "app.log").write_bytes(b"x" * (TAIL_BYTES + 10) + b"\nlast\n")
    (line, last) = texts([*source.poll(), *source.poll()])
    assert (len(line), last) == (TAIL_BYTES + 10, b"last")
    source.close()


@pytest.fixture
def nobody() -> Iterator[Path]:
    """A folder that is open to all, in a process without the rights of root."""
    folder = Path(tempfile.mkdtemp())
    folder.chmod(0o777)
    root = os.geteuid() == 0
    if root:
        os.chown(folder, 65534, 65534)
        os.seteuid(65534)
    try:
        yield folder
    finally:
        if root:
            os.seteuid(0)
        shutil.rmtree(folder)


def test_permission_lost_and_regained(nobody: Path) -> None:
    path = nobody / "app.log"
    write(path, "secret")
    path.chmod(0)
    source = FileSource(path)
    assert read(source) == []
    assert source.state == "permission denied"
    path.chmod(0o600)
    assert read(source) == ["secret"]
    assert source.state == ""
    # Logrotate's `create` may give the next file to somebody else for a moment.
    write(path, "last of the old")
    rotate(path)
    write(path, "new")
    path.chmod(0)
    assert read(source) == ["last of the old"]
    assert source.state == "permission denied"
    path.chmod(0o600)
    assert read(source) == ["new"]
    nobody.chmod(0)
    assert read(source) == []
    assert source.state == "permission denied"
    nobody.chmod(0o777)
    write(path, "after all")
    assert read(source) == ["after all"]
    source.close()


def test_a_disk_that_fails_for_a_while_is_outlived(
    path: Path, source: FileSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(path, "second")
    with monkeypatch.context() as patch:

        def fail(*_: object) -> bytes:
            raise OSError(5, "Input/output error")

        patch.setattr(os, "pread", fail)
        assert source.poll() == []
        assert source.state == "input/output error"
        assert not source.behind
    assert read(source) == ["second"]
    assert source.state == ""


def test_no_descriptor_is_left_open(path: Path, source: FileSource) -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    for number in range(30):
        write(path, f"{number}")
        rotate(path)
        if number % 3 == 0:
            compress(path.with_name("app.log.1"))
        write(path, f"{number} again")
        assert read(source) == [f"{number}", f"{number} again"]
    assert len([*Path("/proc/self/fd").iterdir()]) <= before + 9
    source.close()
    assert len([*Path("/proc/self/fd").iterdir()]) == before - 1
