"""Chunks become blocks of whole lines: the same lines as one by one, and bounded ones."""

from hypothesis import given
from hypothesis import strategies as st

from console.lines import LINE_LIMIT, WHOLE_LINE, Line, LineSplitter
from console.logs.sources.block import SLICE, Block, Splitter

# Few letters and many newlines, and now and then so many letters that a line is too long to keep.
PARTS = st.lists(
    st.one_of(
        st.binary(max_size=20),
        st.sampled_from([b"\n", b"a\n", b"\r\n", b"\n\n", b"\0"]),
        st.integers(LINE_LIMIT - 2, LINE_LIMIT * 2),
    ),
    max_size=12,
)


def chunks_of(parts: list[bytes | int]) -> list[bytes]:
    return [part if isinstance(part, bytes) else b"x" * part for part in parts]


def split(chunks: list[bytes]) -> list[Block]:
    splitter = Splitter(LINE_LIMIT)
    end = 0
    blocks: list[Block] = []
    for pieces in (*(splitter.feed(chunk) for chunk in chunks), splitter.finish()):
        for data, size in pieces:
            end += size
            blocks.append(Block(data, "", size, end))
    return blocks


@given(PARTS)
def test_the_lines_are_those_of_one_by_one(parts: list[bytes | int]) -> None:
    chunks = chunks_of(parts)
    splitter = LineSplitter()
    expected: list[Line] = []
    for chunk in chunks:
        expected += splitter.feed(chunk)
    finished = len(expected)
    expected += splitter.finish()
    blocks = split(chunks)
    lines = [line for block in blocks for line in block.lines()]
    assert lines[:finished] == expected[:finished]
    # The newline that a last line never had is missed in its size, if it was cut.
    assert [line.raw for line in lines] == [line.raw for line in expected]
    assert sum(block.line_count for block in blocks) == len(expected)
    assert sum(block.size for block in blocks) == sum(map(len, chunks))


@given(PARTS, st.integers(1, 5))
def test_a_block_is_bounded_and_can_be_cut_in_two(parts: list[bytes | int], count: int) -> None:
    chunks = chunks_of(parts)
    for block in split(chunks):
        assert block.data.endswith(b"\n")
        assert len(block.data) <= max(map(len, chunks)) + LINE_LIMIT + 1
        assert all(len(line.raw) <= LINE_LIMIT for line in block.lines())
        if block.line_count > count:
            head, rest = block.split(count)
            assert head.lines() + rest.lines() == block.lines()
            assert len(head.lines()) == count
            assert head.end == rest.end - rest.size
            assert rest.end == block.end
            assert head.size + rest.size == block.size


def test_little_is_held_of_a_line_that_never_ends() -> None:
    splitter = Splitter(LINE_LIMIT)
    for _ in range(100):
        assert list(splitter.feed(b"x" * LINE_LIMIT)) == []
    assert splitter.held == 100 * LINE_LIMIT
    assert splitter.overlong
    assert list(splitter.feed(b"y\nnext\n")) == [
        (b"x" * LINE_LIMIT + b"\n", 100 * LINE_LIMIT + 2),
        (b"next\n", 5),
    ]


def test_a_line_is_whole_up_to_sixteen_megabytes() -> None:
    splitter = Splitter()
    chunk = bytes(SLICE)
    for _ in range(WHOLE_LINE // SLICE):
        assert list(splitter.feed(chunk)) == []
    assert splitter.overlong
    assert list(splitter.feed(b"\nnext\n")) == [(bytes(WHOLE_LINE) + b"\nnext\n", WHOLE_LINE + 6)]
    for _ in range(WHOLE_LINE // SLICE):
        assert list(splitter.feed(chunk)) == []
    assert list(splitter.feed(b"y\nnext\n")) == [
        (bytes(WHOLE_LINE) + b"\n", WHOLE_LINE + 2),
        (b"next\n", 5),
    ]
