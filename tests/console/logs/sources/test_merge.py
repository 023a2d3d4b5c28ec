"""Lines of several sources come in the order of their times, each source's in its own order."""

from collections import defaultdict
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.sources.block import Block, Generation
from console.logs.sources.merge import Merger
from tests.console.logs.sources.following import texts

FILE = Generation(1, 2)


def times(data: bytes) -> Sequence[float | None]:
    """A line begins with its time, if it has one."""
    heads = [line.partition(b" ")[0] for line in data.split(b"\n")[:-1]]
    return [float(head) if head.isdigit() else None for head in heads]


def block(source: str, *lines: bytes, end: int = 0) -> Block:
    data = b"".join(line + b"\n" for line in lines)
    return Block(data, source, len(data), end or len(data), FILE)


def test_lines_are_given_as_soon_as_nothing_can_come_before_them() -> None:
    merger = Merger(times)
    merger.add([block("a", b"1 a", b"4 a"), block("b", b"2 b", b"3 b")], 0.0)
    assert texts(merger.take(0.0, "ab")) == [b"1 a", b"2 b", b"3 b"]
    merger.add([block("b", b"5 b")], 0.1)
    assert texts(merger.take(0.1, "ab")) == [b"4 a"]
    # Nobody waits longer than the window for a source that has nothing to say.
    assert texts(merger.take(0.59, "ab")) == []
    assert texts(merger.take(0.61, "ab")) == [b"5 b"]
    assert merger.held == merger.late == 0


def test_a_line_without_a_time_stays_with_the_one_before() -> None:
    merger = Merger(times)
    trace = block("a", b"Starting", b"2 error", b"Traceback", b"  File x", b"9 a")
    merger.add([trace, block("b", b"1 b", b"3 b", b"8 b")], 0.0)
    lines = [b"Starting", b"1 b", b"2 error", b"Traceback", b"  File x", b"3 b", b"8 b"]
    assert texts(merger.take(0.0, "ab")) == lines
    assert [each.source for each in merger.take(9.0, "ab")] == ["a"]


def test_a_late_line_comes_when_it_comes_and_is_counted() -> None:
    merger = Merger(times)
    merger.add([block("a", b"5 a")], 0.0)
    assert texts(merger.take(1.0, "ab")) == [b"5 a"]
    merger.add([block("b", b"4 b", b"6 b"), block("a", b"7 a")], 1.0)
    assert texts(merger.take(1.0, "ab")) == [b"4 b", b"6 b"]
    assert merger.late == 1


def test_one_line_from_the_future_does_not_hold_up_those_after_it() -> None:
    merger = Merger(times)
    merger.add([block("a", b"1 a", b"4070908800 a", b"3 a"), block("b", b"2 b")], 0.0)
    assert texts(merger.take(1.0, "ab")) == [b"1 a", b"2 b", b"4070908800 a", b"3 a"]
    merger.add([block("a", b"5 a"), block("b", b"4 b", b"6 b")], 1.0)
    assert texts(merger.take(1.0, "ab")) == [b"4 b", b"5 a"]
    assert merger.late == 0


@pytest.mark.parametrize("limit", [{"lines": 10}, {"size": 100}])
def test_no_more_is_held_than_the_limit(limit: dict[str, int]) -> None:
    merger = Merger(times, **limit)
    merger.add([block("a", *(b"%07d a" % number for number in range(100)))], 0.0)
    assert len(merger.take(0.0, "ab")) == 1
    for number in range(100, 200):
        merger.add([block("a", b"%07d a" % number)], 0.0)
        merger.take(0.0, "ab")
        assert merger.held <= 10


def test_nothing_gets_ahead_of_a_source_that_is_behind() -> None:
    merger = Merger(times, lines=3)
    many = block("a", *(b"%d a" % number for number in range(1, 10)))
    merger.add([many, block("b", b"2 b")], 0.0)
    assert texts(merger.take(9.0, "ab", behind="b")) == [b"1 a", b"2 a", b"2 b"]
    assert merger.take(9.0, "ab", behind="b") == []
    merger.add([block("b", b"3 b", b"11 b")], 9.0)
    assert texts(merger.take(9.0, "ab", behind="b"))[:2] == [b"3 a", b"3 b"]


STREAMS = st.lists(
    st.tuples(st.sampled_from("abc"), st.lists(st.integers(0, 50), min_size=1, max_size=6)),
    max_size=12,
)


@given(STREAMS, st.booleans())
def test_nothing_is_lost_and_each_source_keeps_its_order(
    arrivals: list[tuple[str, list[int]]], ordered: bool
) -> None:
    merger = Merger(times)
    arrived: dict[str, list[bytes]] = defaultdict(list)
    for source, numbers in arrivals:
        arrived[source] += [b"%d %b" % (number, source.encode()) for number in numbers]
    if ordered:
        for lines in arrived.values():
            lines.sort(key=lambda line: int(line.split()[0]))
    given_back: list[Block] = []
    at = dict.fromkeys("abc", 0)
    ends = dict.fromkeys("abc", 0)
    for moment, (source, numbers) in enumerate(arrivals):
        lines = arrived[source][at[source] : at[source] + len(numbers)]
        at[source] += len(numbers)
        ends[source] += sum(len(line) + 1 for line in lines)
        merger.add([block(source, *lines, end=ends[source])], moment / 100)
        given_back += merger.take(moment / 100, "abc")
    given_back += merger.take(99.0, "abc")
    for source, lines in arrived.items():
        own = [each for each in given_back if each.source == source]
        assert texts(own) == lines
        # The ends are those of the lines: a position may be taken after any of them.
        end = 0
        for each in own:
            end += each.size
            assert each.end == end
    if ordered and len(arrivals) < 50:
        assert merger.late == 0
        keys = [int(line.split()[0]) for line in texts(given_back)]
        assert keys == sorted(keys)
