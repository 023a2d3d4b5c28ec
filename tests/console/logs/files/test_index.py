"""The index numbers every line and counts levels per slice, also of a file that grows."""

import random
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.files.blocks import SLICE
from console.logs.files.index import Index
from console.logs.files.log_file import LogFile
from console.logs.files.tally import Tally
from console.logs.files.workers import Workers
from tests.console.logs.files.growing import appended
from tests.support import wait_until

LEVELS = ("DEBUG", "INFO", "INFO", "INFO", "WARNING", "ERROR", "CRITICAL")


def content_of(lines: int) -> bytes:
    chance = random.Random(3)
    return b"".join(
        b'{"timestamp":"2026-01-15T%02d:%02d:%02dZ","level":"%s","event":"%s"}\n'
        % (
            *(n // 3600 % 24, n // 60 % 60, n % 60),
            chance.choice(LEVELS).encode(),
            b"x" * chance.randrange(900),
        )
        for n in range(lines)
    )


CONTENT = content_of(12_000)
STARTS = [0, *(at + 1 for at, byte in enumerate(CONTENT) if byte == 10)]


def complete(index: Index) -> Index:
    wait_until(lambda: index.complete, "the whole index", 20)
    return index


@pytest.fixture
def index(log_of: Callable[[bytes], LogFile], workers: Workers) -> Index:
    return complete(Index(log_of(CONTENT), workers))


def test_every_line_has_a_number(index: Index) -> None:
    assert len(CONTENT) > 5 * SLICE
    assert index.lines == 12_000
    for number in [*range(0, 12_000, 97), 11_999]:
        assert index.offset_of_line(number) == STARTS[number]
        assert index.line_number(STARTS[number]) == number
    assert index.line_number(len(CONTENT)) == 12_000
    assert index.offset_of_line(12_000) is None
    assert index.offset_of_line(-1) is None


def test_no_number_before_what_is_above_is_counted(
    log_of: Callable[[bytes], LogFile], workers: Workers
) -> None:
    workers.close()
    index = Index(log_of(CONTENT), workers)
    assert index.line_number(STARTS[5]) == 5
    assert index.line_number(STARTS[-2]) is None
    assert index.offset_of_line(0) is None
    assert not index.complete


def test_it_grows_with_the_file(log_of: Callable[[bytes], LogFile], workers: Workers) -> None:
    log = log_of(b"")
    index = Index(log, workers)
    assert index.complete
    for _ in appended(log, CONTENT, (1, 300, 20_000, 900_000)):
        index.grow()
    complete(index)
    assert index.lines == 12_000
    assert index.offset_of_line(7_777) == STARTS[7_777]


def test_a_line_longer_than_slices(log_of: Callable[[bytes], LogFile], workers: Workers) -> None:
    index = complete(Index(log_of(b"a\n" + b"x" * 5_000_000 + b"\nb\n"), workers))
    assert index.lines == 3
    assert [index.offset_of_line(number) for number in range(3)] == [0, 2, 5_000_003]
    assert index.line_number(5_000_003) == 2


@settings(max_examples=50)
@given(counts=st.lists(st.integers(0, 5), max_size=700), data=st.data())
def test_a_tally_finds_what_it_counted(counts: list[int], data: st.DataObject) -> None:
    tally = Tally()
    tally.grow(len(counts))
    for number in data.draw(st.permutations(range(len(counts)))):
        tally.add(number, counts[number])
    assert tally.total == sum(counts)
    ranks = [(number, rank) for number, count in enumerate(counts) for rank in range(count)]
    rank = data.draw(st.integers(-2, len(ranks) + 2))
    assert tally.find(rank) == (ranks[rank] if 0 <= rank < len(ranks) else None)
    number = data.draw(st.integers(0, len(counts)))
    assert tally.before(number) == sum(counts[:number])
