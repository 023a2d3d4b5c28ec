"""One thread reads everything: nothing is lost when nobody fetches, and it ends when told to."""

import bz2
import gzip
import threading
import time
from pathlib import Path

import pytest

from console.logs.follower import Follower
from console.logs.sources.handover import PENDING_BYTES, PENDING_LINES
from console.targets import Command
from tests.console.logs.sources.following import Writer, reading, texts, times
from tests.support import wait_until


def test_lines_of_all_kinds_of_sources_are_merged(tmp_path: Path) -> None:
    def line(number: int) -> bytes:
        return b'{"timestamp":%d,"event":"x","n":%d}\n' % (number, number)

    old = tmp_path / "app.log.1.gz"
    old.write_bytes(gzip.compress(b"".join(line(number) for number in range(0, 90_000, 3))))
    (tmp_path / "app.log").write_bytes(b"".join(line(number) for number in range(1, 900, 3)))
    program = 'for n in range(2, 90000, 3): print(\'{"timestamp":%d,"event":"x","n":%d}\' % (n, n))'
    command = Command(("python3", "-c", program))
    with reading(tmp_path / "app.log", old, command, times=times) as followed:
        wait_until(lambda: followed.take()["x"] >= 60_300, "all lines")
        numbers = followed.numbers["x"]
        assert len(numbers) == len(set(numbers)) == 60_300
        # The command may begin to speak after the window; what was there comes in order.
        files = [number for number in numbers if number % 3 < 2]
        assert files == sorted(files)
        assert {block.source for block in followed.blocks} == {
            str(tmp_path / "app.log"),
            str(old),
            command.name,
        }


def test_a_reader_that_is_not_fetched_from_waits_and_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.touch()
    count = 4 * PENDING_LINES
    with reading(path) as followed:
        handover = followed.follower._handover
        wait_until(lambda: followed.follower._sources, "the first look")
        path.write_bytes(b"".join(b"%0200d\n" % number for number in range(count)))
        wait_until(lambda: handover.full, "a full queue")
        assert handover._size < PENDING_BYTES + (1 << 20)
        lines: list[bytes] = []
        while len(lines) < count:
            blocks = wait_until(lambda: followed.follower.take(7_000), "lines")
            assert sum(block.line_count for block in blocks) <= 7_000
            lines += texts(blocks)
        assert [int(line) for line in lines] == list(range(count))


def test_it_stops_at_once_while_it_waits_for_room(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    follower = Follower([path])
    follower.start()
    wait_until(lambda: follower.states, "the first look")
    path.write_bytes(b"x\n" * (PENDING_LINES * 2))
    wait_until(lambda: follower._handover.full, "a full queue")
    begin = time.monotonic()
    follower.stop()
    assert time.monotonic() - begin < 0.5
    assert len(follower.take(1_000_000)) > 0
    assert follower.ended


def test_a_quiet_log_is_looked_at_less_often_but_often_enough(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pauses: list[float] = []
    wait = Follower._wait

    def noted(self: Follower, seconds: float) -> None:
        pauses.append(seconds)
        wait(self, seconds)

    monkeypatch.setattr(Follower, "_wait", noted)
    (tmp_path / "app.log").write_bytes(b"line\n")
    with reading(tmp_path / "app.log"):
        wait_until(lambda: len(set(pauses)) > 1, "a longer pause")
    assert pauses[0] == min(pauses) < 0.05 <= max(pauses) <= 0.2


def test_it_has_ended_when_every_source_has(tmp_path: Path) -> None:
    path = tmp_path / "app.gz"
    path.write_bytes(gzip.compress(b"one\ntwo\n"))
    follower = Follower([path, path], times=times)
    follower.start()
    assert texts(follower.take(10, timeout=5.0)) == [b"one", b"two"]
    assert follower.take(10, timeout=5.0) == []
    assert follower.ended
    follower.stop()


def test_a_take_that_waits_is_woken_by_the_end(tmp_path: Path) -> None:
    follower = Follower([tmp_path / "app.log"])
    follower.start()
    got: list[object] = []
    thread = threading.Thread(target=lambda: got.append(follower.take(1, timeout=30.0)))
    thread.start()
    follower.stop()
    thread.join(5.0)
    assert got == [[]]


def test_without_sources_there_is_nothing_to_stop() -> None:
    before = len([*Path("/proc/self/fd").iterdir()])
    follower = Follower([])
    follower.start()
    assert follower.states == []
    assert follower.drain(10) == []
    assert follower.ended
    follower.stop()
    assert len([*Path("/proc/self/fd").iterdir()]) == before


def test_an_error_in_the_reader_is_told(tmp_path: Path) -> None:
    def fail(_: bytes) -> list[float | None]:
        raise ZeroDivisionError("by the test")

    for name in ("a.log", "b.log"):
        (tmp_path / name).write_bytes(b"line\n")
    with reading(tmp_path / "a.log", tmp_path / "b.log", times=fail) as followed:
        wait_until(lambda: followed.follower.ended, "the end")
        assert "ZeroDivisionError('by the test')" in dict(followed.follower.states)["log reader"]


def test_records_tell_the_times(tmp_path: Path) -> None:
    iso, epoch = tmp_path / "iso.log", tmp_path / "epoch.log"
    iso.write_bytes(b'{"timestamp":"2026-01-15T10:30:01Z"}\n{"time":"2026-01-15T10:30:03Z"}\n')
    epoch.write_bytes(b'{"ts":1768473000}\n{"ts":1768473002}\nTraceback\n')
    with reading(iso, epoch) as followed:
        lines: list[bytes] = []
        wait_until(lambda: lines.extend(texts(followed.follower.take(9))) or len(lines) > 4, "all")
    first, second = iso.read_bytes().splitlines()
    zero, two, trace = epoch.read_bytes().splitlines()
    assert lines == [zero, first, two, trace, second]


def test_history_is_merged_however_unequal_the_files_are(tmp_path: Path) -> None:
    """The short lines of one file fill the merger long before the other has said anything."""
    few, many = tmp_path / "few.gz", tmp_path / "many.bz2"
    few.write_bytes(gzip.compress(b"".join(b"%d %0500d\n" % (n, n) for n in range(0, 300_000, 60))))
    many.write_bytes(bz2.compress(b"".join(b"%d\n" % n for n in range(300_000))))

    def first_word(data: bytes) -> list[float | None]:
        return [float(line.partition(b" ")[0]) for line in data.split(b"\n")[:-1]]

    lines: list[bytes] = []
    held: list[int] = []
    with reading(many, few, times=first_word) as followed:
        while not followed.follower.ended:
            held.append(followed.follower._merger.held)
            lines += texts(followed.follower.take(9_999, timeout=5.0))
    numbers = [int(line.partition(b" ")[0]) for line in lines]
    assert len(numbers) == 305_000
    assert numbers == sorted(numbers)
    assert max(held) < 150_000


def test_a_file_in_two_entries_is_read_once(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    path.write_bytes(b"one\n")
    with reading(path, tmp_path) as followed:
        lines: list[bytes] = []
        wait_until(lambda: lines.extend(texts(followed.follower.take(10))) or lines, "a line")
        path.write_bytes(b"one\ntwo\n")
        wait_until(lambda: lines.extend(texts(followed.follower.take(10))) or len(lines) > 1, "two")
        assert lines == [b"one", b"two"]


def test_lines_are_had_soon_after_they_were_written(tmp_path: Path) -> None:
    path = tmp_path / "app.log"
    writer = Writer(path, 1_000)
    lags: list[float] = []
    with reading(path) as followed:
        wait_until(followed.take, "the first lines")
        deadline = time.monotonic() + 1.0
        while time.monotonic() < deadline:
            seen = len(followed.times)
            followed.follower._handover._changed.acquire()
            followed.follower._handover._changed.wait(0.5)
            followed.follower._handover._changed.release()
            followed.take()
            lags += [time.time() - at for at in followed.times[seen:]]
    writer.stop()
    assert sorted(lags)[len(lags) // 2] < 0.05
