"""Chosen lines have the time that they or the nearest line above have, over blocks' edges too."""

from hypothesis import given, settings
from hypothesis import strategies as st

from console.commands.chosen import Chooser, Chosen
from console.commands.merging import merged
from console.commands.selecting import last
from console.logs.sources.block import Block

SECONDS = st.sampled_from([None, None, None, 7, 8, 9])


def text(number: int, second: int | None, *, wanted: bool) -> bytes:
    time = b"" if second is None else b'"timestamp":"2026-01-15T10:30:%02dZ",' % second
    return b'{%s"n":%d,"event":"%s"}\n' % (time, number, b"yes" if wanted else b"no")


def block(data: bytes, source: str = "a") -> Block:
    return Block(data, source, len(data), 0)


@settings(max_examples=400)
@given(st.lists(st.tuples(SECONDS, st.booleans()), max_size=30), st.integers(1, 9))
def test_a_line_without_a_time_has_that_of_the_line_above(
    lines: list[tuple[int | None, bool]], size: int
) -> None:
    every = [text(n, second, wanted=wanted) for n, (second, wanted) in enumerate(lines)]
    blocks = [b"".join(every[at : at + size]) for at in range(0, len(every), size)]
    found = list(Chooser("yes", timed=True).of(map(block, blocks)))
    above: int | None = None
    expected: list[tuple[bytes, int | None]] = []
    for raw, (second, wanted) in zip(every, lines, strict=True):
        above = above if second is None else second
        if wanted:
            expected.append((raw, above))
    told = [
        (line.raw + b"\n", None if time is None else int(time % 60))
        for chosen in found
        for line, time in zip(chosen.block.lines(), chosen.times, strict=True)
    ]
    assert told == expected


@given(
    st.lists(st.lists(st.integers(0, 59), max_size=20), min_size=1, max_size=4), st.integers(1, 5)
)
def test_logs_are_merged_by_time(logs: list[list[int]], size: int) -> None:
    streams = {}
    for name, seconds in enumerate(logs):
        every = [(text(n, s, wanted=True), float(s)) for n, s in enumerate(sorted(seconds))]
        streams[str(name)] = [
            Chosen(
                block(b"".join(raw for raw, _ in every[at : at + size]), str(name)),
                [time for _, time in every[at : at + size]],
            )
            for at in range(0, len(every), size)
        ]
    found = [
        (line.raw[14:34], chosen.block.source, line.raw)
        for chosen in merged(streams)
        for line in chosen.block.lines()
    ]
    assert [time for time, *_ in found] == sorted(time for time, *_ in found)
    for name, chosen in streams.items():
        lines = [line.raw for each in chosen for line in each.block.lines()]
        assert [raw for _, source, raw in found if source == name] == lines


@given(st.lists(st.integers(1, 5), max_size=8), st.integers(0, 12))
def test_the_last_lines_are_kept(sizes: list[int], count: int) -> None:
    numbers = iter(range(100))
    blocks = [
        Chosen(block(b"".join(b"%d\n" % next(numbers) for _ in range(size))), ()) for size in sizes
    ]
    lines = [line for chosen in blocks for line in chosen.block.lines()]
    kept = [line for chosen in last(blocks, count) for line in chosen.block.lines()]
    assert kept == (lines[-count:] if count else [])
