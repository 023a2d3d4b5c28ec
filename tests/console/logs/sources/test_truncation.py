"""A file that is truncated in place is noticed, and its copy gives back what was unread."""

import os
import shutil
from pathlib import Path

from console.lines import WHOLE_LINE
from console.logs.sources.file import FileSource
from tests.console.logs.sources.following import Clock, texts
from tests.console.logs.sources.rotating import read, rotate, write


def test_a_copy_gives_back_what_was_truncated_unread(path: Path, source: FileSource) -> None:
    write(path, "seen")
    assert read(source) == ["seen"]
    with path.open("ab") as file:
        file.write(b"half")
    assert read(source) == []
    with path.open("ab") as file:
        file.write(b" a line\n")
    write(path, "unseen")
    shutil.copyfile(path, path.with_name("app.log.1"))
    os.truncate(path, 0)
    write(path, "new")
    assert read(source) == ["half a line", "unseen", "new"]
    assert source.truncations == 1
    assert [*source.news] == [
        "truncated in place; its last lines were read from a copy; lines may be lost"
    ]
    rotate(path)
    write(path, "newer")
    assert read(source) == ["newer"]


def test_a_copy_that_was_read_beyond_is_not_read_again(path: Path) -> None:
    now = [0.0]
    write(path, "first")
    source = FileSource(path, clock=lambda: now[0])
    assert read(source) == ["first"]
    shutil.copyfile(path, path.with_name("app.log.1"))
    write(path, "while it was copied")
    assert read(source) == ["while it was copied"]
    os.truncate(path, 0)
    for turn in range(4):
        write(path, f"{turn}")
        assert read(source) == [f"{turn}"]
        now[0] += 2
    source.close()


def test_a_copy_is_found_after_a_line_too_long_to_keep(path: Path, source: FileSource) -> None:
    write(path, "x" * (WHOLE_LINE + 10))
    assert len(read(source)[0]) == WHOLE_LINE
    write(path, "unseen")
    shutil.copyfile(path, path.with_name("app.log.1"))
    os.truncate(path, 0)
    write(path, "new")
    assert read(source) == ["unseen", "new"]


def copy_and_truncate(path: Path, turn: int) -> None:
    shutil.copyfile(path, path.with_name(f"app.log.{9 - turn}"))
    os.truncate(path, 0)


def test_several_truncations_between_two_looks(path: Path, source: FileSource) -> None:
    for turn in range(4):
        write(path, f"{turn}")
        copy_and_truncate(path, turn)
    write(path, "now")
    assert read(source) == ["0", "1", "2", "3", "now"]


def test_a_truncation_is_noticed_before_anything_of_the_file_was_read(
    path: Path, source: FileSource
) -> None:
    write(path, "0")
    copy_and_truncate(path, 0)
    write(path, "1")
    # The first of these finds the truncation, the second reads the copy.
    assert texts([*source.poll(), *source.poll()]) == [b"%-300b" % b"0"]
    copy_and_truncate(path, 1)
    write(path, "2")
    assert read(source) == ["1", "2"]


def test_without_a_copy_the_half_line_is_shown_and_the_loss_told(
    path: Path, source: FileSource
) -> None:
    with path.open("ab") as file:
        file.write(b"half")
    assert read(source) == []
    os.truncate(path, 0)
    write(path, "new")
    assert read(source) == ["half", "new"]
    assert [*source.news] == ["truncated in place; lines may be lost"]


def test_a_writer_that_keeps_its_offset_leaves_no_hole_in_the_lines(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    with path.open("wb", buffering=0) as writer:
        writer.write(b"old line\n" * 100_000)
        source = FileSource(path)
        assert read(source)[-1] == "old line"
        for turn in range(3):
            os.truncate(path, 0)
            # Gigabytes of nothing, before the next line.
            writer.seek(3 << 30, os.SEEK_CUR)
            writer.write(b"new line %d\n" % turn)
            assert read(source) == [f"new line {turn}"]
            writer.write(b"and another\n")
            assert read(source) == ["and another"]
        assert source.truncations == 3
    source.close()
    late = FileSource(path)
    assert read(late) == ["new line 2", "and another"]
    late.close()


def test_a_copy_of_lines_that_are_still_there_is_not_read_too(
    path: Path, source: FileSource
) -> None:
    # Truncated, and copied once more before anybody has looked: only then the next truncation.
    shutil.copyfile(path, path.with_name("app.log.2"))
    os.truncate(path, 0)
    write(path, "second")
    shutil.copyfile(path, path.with_name("app.log.1"))
    assert read(source) == ["second"]
    os.truncate(path, 0)
    write(path, "third")
    assert read(source) == ["third"]


def test_a_copy_that_a_later_search_finds_is_not_read_too(path: Path, clock: Clock) -> None:
    write(path, "first")
    source = FileSource(path, clock=clock)
    assert read(source) == ["first"]
    for turn in range(3):
        copy_and_truncate(path, 3 * turn)
        write(path, f"{turn} seen")
        assert read(source) == [f"{turn} seen"]
        copy_and_truncate(path, 3 * turn + 1)
        write(path, f"{turn} again")
        shutil.copyfile(path, path.with_name(f"app.log.{7 - 3 * turn}"))
        clock.now += 1.1
        assert read(source) == [f"{turn} again"]
    source.close()
