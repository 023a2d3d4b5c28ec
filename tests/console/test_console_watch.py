"""What is kept of lines that come once, what is counted of them, and filters by single keys."""

import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from console.logs.filters.expression import Comparison
from console.logs.filters.parser import parse
from console.logs.sources.block import Block
from console.targets import Command
from console.watch.collection import Collection
from console.watch.entries import FILES, plain_files
from console.watch.pager import Pager
from console.watch.refine import least_level, toggled, with_least_level
from console.watch.spool import Spool
from console.watch.tally import Tally

LogLine = Callable[..., bytes]


def block(data: bytes) -> Block:
    return Block(data, "-", len(data), len(data))


def test_a_spool_keeps_the_newest_whole_lines() -> None:
    spool, chance, written = Spool(limit=10_000), random.Random(1), b""
    for number in range(2_000):
        data = b"%d %s\n" % (number, b"x" * chance.randrange(200))
        spool.add([block(data)])
        written += data
        spool.log.refresh()
        kept = spool.log.read(0, spool.log.size)
        assert len(kept) <= 10_000
        assert written.endswith(kept)
        assert spool.forgotten + len(kept) == len(written)
        assert spool.forgotten == 0 or written[spool.forgotten - 1 : spool.forgotten] == b"\n"
    spool.close()
    assert spool.problem == ""


def test_a_view_of_a_spool_survives_what_is_forgotten() -> None:
    collection = Collection([Command(("true",))], limit=1_000)
    pager = Pager(collection)
    for number in range(1_000):
        collection.keep([block(b"line %d\n" % number)])
        collection.refresh()
        assert [row.line.raw for row in pager.show(3)][-1] == b"line %d" % number
    pager.stop()
    shown = pager.show(3)
    collection.keep([block(b"another\n")])
    collection.refresh()
    assert pager.show(3) == shown
    assert collection.forgotten > 0
    collection.close()


def test_rotated_twice_shows_the_last_two_files(tmp_path: Path) -> None:
    path = tmp_path / "a.log"
    path.write_bytes(b"one\n")
    collection = Collection([path])
    pager = Pager(collection)
    pager.show(9)
    for number, text in enumerate((b"two\n", b"three\n")):
        path.rename(tmp_path / f"a.log.{number}")
        collection.refresh()
        path.write_bytes(text)
        assert collection.refresh()
    assert [row.line.raw for row in pager.show(9)] == [b"two", b"three"]
    path.unlink()
    assert not collection.refresh()
    assert collection.problem == ""
    collection.close()


def test_only_plain_files_can_be_read_anywhere(tmp_path: Path) -> None:
    plain, archive = tmp_path / "a.log", tmp_path / "b.log"
    plain.write_bytes(b"text\n")
    archive.write_bytes(b"\x1f\x8b\x08")
    missing = tmp_path / "later.log"
    assert plain_files([plain, missing, plain]) == [plain, missing]
    for other in (archive, tmp_path, tmp_path / "*.log", Path("-"), Command(("true",))):
        assert plain_files([plain, other]) == []
    assert plain_files(tmp_path / str(number) for number in range(FILES + 1)) == []


def test_what_was_counted(log_line: LogLine) -> None:
    tally = Tally("opsconsole-")
    lines = [
        log_line(),
        log_line(request_id="opsconsole-1", status=500),
        log_line(status=503, duration_ms=None),
        log_line(level="ERROR", status=None, event="gone 17"),
        log_line(level="ERROR", status=None, event="gone 18"),
        b"\xff no json\n",
        log_line(request_id=None, status=None, event="started"),
    ]
    found = tally.add(block(b"".join(lines)), 1768473001.0)
    assert sorted(each.title for each in found) == ["gone …", "status 503"]
    assert (tally.lines, tally.own_lines) == (6, 1)
    summary = tally.traffic.summary(1768473001.0)
    assert summary.requests_per_second == 0.2
    assert summary.errors == 0.5
    assert tally.add(block(b"".join(lines)), 1768473002.0) == []


def test_a_line_of_ten_megabytes_does_not_hold_the_screen_up() -> None:
    long = b'{"level":"error","a":[' + b'{"b":1},' * 1_250_000 + b"0]}\n"
    tally, begin = Tally(), time.process_time()
    assert len(tally.add(block(long), 0.0)) <= 1
    # Understood as a whole, it takes ten times as long.
    assert time.process_time() - begin < 0.1
    assert tally.lines == 1


@pytest.mark.parametrize(
    ("text", "level", "result"),
    [
        ("", "error", "level>=error"),
        ("level>=info", "warning", "level>=warning"),
        ("a level>=info -b", "", "a -b"),
        ("a or level>=info", "error", "level>=error (a or level>=info)"),
        ("level>=error", "", ""),
    ],
)
def test_the_least_level_is_a_part_of_the_filter(text: str, level: str, result: str) -> None:
    found = with_least_level(parse(text), level)
    assert found == result
    assert least_level(parse(found)) == level


def test_a_condition_goes_as_it_came() -> None:
    same = Comparison("request_id", "=", ("42",))
    wanted = parse("status>=500 since:2026-01-15T10:30:00Z")
    narrowed = toggled(wanted, same)
    assert narrowed == 'status>=500 since:2026-01-15T10:30:00Z request_id="42"'
    assert toggled(parse(narrowed), same) == str(wanted)
