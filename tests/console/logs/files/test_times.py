"""A time is found in a file of any size by looking at a few places of it."""

import random
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.files.log_file import LogFile
from console.logs.files.times import offset_of_time

NOON = datetime(2026, 1, 15, 12, tzinfo=UTC).timestamp()


def line(at: float, padding: int = 200) -> bytes:
    stamp = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
    return b'{"timestamp":"%s","event":"%s"}\n' % (stamp.encode(), b"x" * padding)


def test_every_time_of_an_ordered_file(log_of: Callable[[bytes], LogFile]) -> None:
    lines = [line(NOON + second) for second in range(3_000)]
    log = log_of(b"".join(lines))
    size = len(lines[0])
    for second in (0, 1, 2, 1_499, 1_500, 2_998, 2_999):
        assert offset_of_time(log, NOON + second) == second * size
        assert offset_of_time(log, NOON + second - 0.5) == second * size
    assert offset_of_time(log, 0) == 0
    assert offset_of_time(log, NOON + 3_000) == log.end


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 1_000), second=st.integers(-5, 2_005))
def test_with_a_little_disorder_it_is_the_first_line_so_late(seed: int, second: int) -> None:
    chance = random.Random(seed)
    times = [round(NOON + at + chance.uniform(-3, 3), 3) for at in range(2_000)]
    lines = [line(at, chance.randrange(400)) for at in times]
    with TemporaryDirectory() as folder:
        path = Path(folder, "app.log")
        path.write_bytes(b"".join(lines))
        found = offset_of_time(LogFile.open(path), NOON + second)
    first = next((n for n, at in enumerate(times) if at >= NOON + second), len(times))
    assert found == sum(map(len, lines[:first]))


def test_tracebacks_and_a_long_stretch_without_times(log_of: Callable[[bytes], LogFile]) -> None:
    text = b"  File somewhere, line 7\n"
    before = b"".join(line(NOON + second) + text * 20 for second in range(1_000))
    after = b"".join(line(NOON + second) for second in range(1_000, 1_100))
    log = log_of(before + text * 120_000 + after)
    assert offset_of_time(log, NOON + 999) == before.rindex(b"{")
    assert offset_of_time(log, NOON + 1_000) == len(before) + len(text) * 120_000
    assert offset_of_time(log, NOON + 1_050.5) == log.end - 49 * len(line(NOON))


def test_one_huge_line_in_between(log_of: Callable[[bytes], LogFile]) -> None:
    huge = b'{"timestamp":"2026-01-15T12:00:01Z","event":"' + b"x" * 5_000_000 + b'"}\n'
    log = log_of(line(NOON) + huge + line(NOON + 2))
    assert offset_of_time(log, NOON + 2) == log.end - len(line(NOON))


def test_few_places_are_looked_at(
    log_of: Callable[[bytes], LogFile], reads_of: Callable[[LogFile], list[int]]
) -> None:
    log = log_of(b"".join(line(NOON + second, 1_000) for second in range(20_000)))
    read = reads_of(log)
    assert offset_of_time(log, NOON + 12_345) == 12_345 * len(line(NOON, 1_000))
    assert 0 < sum(read) < log.size / 5


@pytest.mark.parametrize("content", [b"", b"\n", b"no time\n" * 50_000, b"\0" * 300_000 + b"\n"])
def test_a_file_without_times_has_none(log_of: Callable[[bytes], LogFile], content: bytes) -> None:
    log = log_of(content)
    assert offset_of_time(log, NOON) == log.end
