"""A followed file loses no line and repeats none, whatever rotation does to it."""

import os
import shutil
import threading
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path

import pytest

from console.lines import WHOLE_LINE
from console.logs.follower import Follower
from console.logs.sources.file import FileSource
from console.logs.sources.reader import TAIL_BYTES

Until = Callable[..., Awaitable[None]]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is, or will be."""
    return tmp_path / "service.jsonl"


@pytest.fixture
def source(path: Path) -> Iterator[FileSource]:
    """A source on `path`, polled by the test itself."""
    source = FileSource(path)
    yield source
    source.close()


class Reader:
    """A follower and everything it has handed over."""

    def __init__(self, path: Path) -> None:
        self.follower = Follower([path])
        self.numbers: list[int] = []
        self.follower.start()

    def take(self) -> list[int]:
        self.numbers += [int(line.raw) for line in self.follower.drain(100_000)]
        return self.numbers


@pytest.fixture
def reader(path: Path) -> Iterator[Reader]:
    """A running follower that began when the file was empty."""
    path.touch()
    reader = Reader(path)
    yield reader
    reader.follower.stop()


def read(source: FileSource) -> list[bytes]:
    blocks = source.poll()
    while source.behind:
        blocks += source.poll()
    return [line.raw for block in blocks for line in block.lines()]


def write(path: Path, data: bytes) -> None:
    with path.open("ab") as file:
        file.write(data)


def test_it_begins_with_the_tail_at_a_whole_line(path: Path, source: FileSource) -> None:
    count = 200_000
    path.write_bytes(b"".join(b"%d\n" % number for number in range(count)))
    lines = read(source)
    assert sum(len(line) + 1 for line in lines) <= TAIL_BYTES
    assert [int(line) for line in lines] == list(range(count - len(lines), count))


def test_a_missing_file_says_so_and_is_read_from_its_start(path: Path, source: FileSource) -> None:
    assert read(source) == []
    assert source.state == "no such file yet"
    write(path, b"first\nsecond\n")
    assert read(source) == [b"first", b"second"]
    assert source.state == ""


def test_what_is_no_file_says_so(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for name, state in (("pipe", "not a regular file"), (".", "not a regular file")):
        source = FileSource(tmp_path / name)
        assert source.poll() == []
        assert source.state == state


def test_a_half_written_line_waits(path: Path, source: FileSource) -> None:
    write(path, b"whole\nhal")
    assert read(source) == [b"whole"]
    write(path, b"f\n")
    assert read(source) == [b"half"]


def test_bytes_that_are_no_text_pass_through(path: Path, source: FileSource) -> None:
    write(path, b"\xff\xfe\x00\n\x00\n")
    assert read(source) == [b"\xff\xfe\x00", b"\x00"]


def test_a_huge_line_is_whole_and_one_without_end_is_cut(path: Path, source: FileSource) -> None:
    write(path, b"")
    assert read(source) == []
    write(path, b"x" * 10_000_000 + b"\n" + b"y" * 20_000_000 + b"\nnext\n")
    blocks = source.poll()
    while source.behind:
        blocks += source.poll()
    lines = [line for block in blocks for line in block.lines()]
    assert [(len(line.raw), line.size) for line in lines] == [
        (10_000_000, 10_000_000),
        (WHOLE_LINE, 20_000_000),
        (4, 4),
    ]


def test_the_old_file_is_read_to_its_end_before_the_new_one(path: Path, source: FileSource) -> None:
    write(path, b"1\n")
    assert read(source) == [b"1"]
    write(path, b"2\n")
    old = path.rename(path.with_suffix(".1"))
    write(path, b"4\n")
    write(old, b"3\n")
    assert read(source) + read(source) == [b"2", b"3", b"4"]


def test_a_writer_that_has_not_reopened_yet_is_still_heard(path: Path) -> None:
    now = [0.0]
    source = FileSource(path, clock=lambda: now[0])
    write(path, b"1\n")
    assert read(source) == [b"1"]
    old = path.rename(path.with_suffix(".1"))
    write(path, b"2\n")
    assert read(source) + read(source) == [b"2"]
    write(old, b"late\nunfinished")
    assert read(source) == [b"late"]
    now[0] = 60.0
    assert read(source) == [b"unfinished"]
    write(old, b"too late\n")
    assert read(source) == []
    source.close()


def test_truncation_is_noticed_even_when_the_file_has_grown_again(
    path: Path, source: FileSource
) -> None:
    write(path, b"old 1\nold 2\n")
    assert read(source) == [b"old 1", b"old 2"]
    os.truncate(path, 0)
    write(path, b"new 1\nnew 2\nnew 3\n")
    assert read(source) == [b"new 1", b"new 2", b"new 3"]
    assert source.truncations == 1


def append(path: Path, number: int) -> None:
    write(path, b"%d\n" % number)


def rename_and_create(path: Path, turn: int) -> None:
    path.rename(path.with_suffix(f".{turn}"))
    path.touch()


def rename_and_let_the_writer_create(path: Path, turn: int) -> None:
    path.rename(path.with_suffix(f".{turn}"))


def delete_and_create(path: Path, _turn: int) -> None:
    path.unlink()
    path.touch()


def copy_and_truncate(path: Path, turn: int) -> None:
    shutil.copyfile(path, path.with_suffix(f".{turn}"))
    os.truncate(path, 0)


@pytest.mark.parametrize(
    ("rotate", "read_first"),
    [
        (rename_and_create, False),
        (rename_and_let_the_writer_create, False),
        (delete_and_create, False),
        # What is written between the last read and a truncation is lost by its nature.
        (copy_and_truncate, True),
    ],
)
async def test_no_line_is_lost_and_none_comes_twice(
    path: Path,
    reader: Reader,
    until: Until,
    rotate: Callable[[Path, int], None],
    read_first: bool,
) -> None:
    written = 0
    go, stop = threading.Semaphore(0), threading.Event()

    def writer() -> None:
        nonlocal written
        while go.acquire() and not stop.is_set():
            append(path, written)
            written += 1

    async def write_to(count: int) -> None:
        go.release(count - written)
        await until(lambda: written == count)

    async def read_to(count: int) -> None:
        await until(lambda: len(reader.take()) >= count)

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        for turn in range(1, 11):
            await write_to(turn * 200)
            if read_first:
                await read_to(turn * 200)
            rotate(path, turn)
            # Two rotations between two looks would hide a whole file from anybody.
            await write_to(turn * 200 + 1)
            await read_to(turn * 200 + 1)
    finally:
        stop.set()
        go.release()
        thread.join()
    assert reader.take() == list(range(2001))


async def test_lines_written_during_rotation_all_arrive(
    path: Path, reader: Reader, until: Until
) -> None:
    """The writer never pauses; it renames its file and goes on in a new one, as handlers do."""
    stop = threading.Event()
    count = 0

    def writer() -> None:
        nonlocal count
        turn = 0
        while not stop.is_set():
            with path.open("ab", buffering=0) as file:
                for _ in range(2_000):
                    file.write(b"%d\n" % count)
                    count += 1
                    if stop.is_set():
                        return
            # The next file may only be rotated once the follower is on it.
            seen = count
            while not stop.is_set() and len(reader.numbers) < seen:
                stop.wait(0.005)
            path.rename(path.with_suffix(f".{turn}"))
            turn += 1

    thread = threading.Thread(target=writer)
    thread.start()
    try:
        await until(lambda: len(reader.take()) > 15_000)
    finally:
        stop.set()
        thread.join()
    await until(lambda: len(reader.take()) >= count)
    assert reader.numbers == list(range(count))
