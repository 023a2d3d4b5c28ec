"""Lines come out whole, however the bytes were cut, and in bounded memory."""

from hypothesis import given
from hypothesis import strategies as st

from console.lines import LINE_LIMIT, LineSplitter


@given(st.lists(st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")), max_size=20))
def test_lines_survive_any_chunking(lines: list[bytes]) -> None:
    stream = b"".join(line + b"\n" for line in lines)
    for step in (1, 3, 7, len(stream) + 1):
        splitter = LineSplitter()
        found = [
            line.raw
            for start in range(0, len(stream), step)
            for line in splitter.feed(stream[start : start + step])
        ]
        assert found == lines
        assert splitter.finish() == []


def test_an_unfinished_line_waits_for_its_newline() -> None:
    splitter = LineSplitter()
    assert splitter.feed(b"half") == []
    assert [line.raw for line in splitter.feed(b" whole\nnext")] == [b"half whole"]
    assert [line.raw for line in splitter.finish()] == [b"next"]


def test_a_huge_line_is_counted_but_not_kept() -> None:
    splitter = LineSplitter()
    for _ in range(10):
        assert splitter.feed(b"x" * 1024 * 1024) == []
    (line,) = splitter.feed(b"\n")
    assert line.size == 10 * 1024 * 1024
    assert len(line.raw) == LINE_LIMIT
