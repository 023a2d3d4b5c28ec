"""The emulator shows what a terminal would."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from benchmarks.logs.emulator import Screen

LINES, COLUMNS = 4, 10


def shown(*sent: bytes) -> list[str]:
    """The rows without what is blank at their end."""
    screen = Screen(LINES, COLUMNS)
    for each in sent:
        screen.feed(each)
    assert {len(row) for row in screen.rows} == {COLUMNS}
    return [row.rstrip() for row in screen.rows]


FULL = b"aaa\r\nbbb\r\nccc\r\nddd"


@pytest.mark.parametrize(
    ("sent", "rows"),
    [
        (b"one\r\ntwo", ["one", "two", "", ""]),
        (b"0123456789x", ["0123456789", "x", "", ""]),
        (b"0123456789\r\nx", ["0123456789", "x", "", ""]),
        (b"0123456789\x1b[31mx", ["0123456789", "x", "", ""]),
        (b"0123456789\x1b[Dx", ["01234567x9", "", "", ""]),
        (FULL + b"\r\neee", ["bbb", "ccc", "ddd", "eee"]),
        (b"12\b3\ta\x07b", ["13      ab", "", "", ""]),
        (FULL + b"\x1b[2;2Hx\x1b[Ay\x1b[3Gz\x1b[4dv", ["aaz", "bxb", "ccc", "dddv"]),
        (FULL + b"\x1b[2;2f\x1b[K", ["aaa", "b", "ccc", "ddd"]),
        (FULL + b"\x1b[2;2H\x1b[1K", ["aaa", "  b", "ccc", "ddd"]),
        (FULL + b"\x1b[2;2H\x1b[J", ["aaa", "b", "", ""]),
        (FULL + b"\x1b[2;2H\x1b[1J", ["", "  b", "ccc", "ddd"]),
        (FULL + b"\x1b[2J", ["", "", "", ""]),
        (FULL + b"\x1b[1;2H\x1b[X\x1b[2;1H\x1b[2P\x1b[3;1H\x1b[@", ["a a", "b", " ccc", "ddd"]),
        (FULL + b"\x1b[2H\x1b[L", ["aaa", "", "bbb", "ccc"]),
        (FULL + b"\x1b[2H\x1b[2M", ["aaa", "ddd", "", ""]),
        (FULL + b"\x1b[H\x1bM", ["", "aaa", "bbb", "ccc"]),
        (FULL + b"\x1b[2;3r\x1b[3H\n", ["aaa", "ccc", "", "ddd"]),
        (FULL + b"\x1b[S", ["bbb", "ccc", "ddd", ""]),
        (FULL + b"\x1b[2T", ["", "", "aaa", "bbb"]),
        (b"ab\x1b[4bc", ["abbbbbc", "", "", ""]),
        (b"\x1b7ab\x1b8c", ["cb", "", "", ""]),
        (FULL + b"\x1b[?1049hx", ["x", "", "", ""]),
        (b"\x1b]0;a title\x07x\x1bP+q\x1b\\y\x1b(Bz\x1b[>1u\x1b[?2026$p", ["xyz", "", "", ""]),
        ("é日本\u0301x".encode(), ["é日 本 x", "", "", ""]),
        (b"\xffa\x00b", ["\ufffdab", "", "", ""]),
        (b"\x1b[99;99Hx\x1b[0;0Hy", ["y", "", "", "         x"]),
    ],
)
def test_a_sequence_does_what_it_does_in_xterm(sent: bytes, rows: list[str]) -> None:
    assert shown(sent) == rows


PIECES = st.sampled_from(
    [
        *(b"text", b"\r", b"\n", b"\x1b[2;3r", b"\x1b[5;1H", b"\x1b[3L", b"\x1b]0;t\x07", b"\x1bM"),
        *(b"\x1b[K", b"\x1b[9999999P", b"\x1b[38;5;1m", "日é".encode(), b"\x1b[7b", b"\x1b[1<2@"),
    ]
)


@given(st.lists(PIECES | st.binary(max_size=8)), st.data())
def test_no_bytes_break_it_and_where_they_are_cut_does_not_matter(
    pieces: list[bytes], data: st.DataObject
) -> None:
    sent = b"".join(pieces)
    cut = data.draw(st.integers(0, len(sent)))
    assert shown(sent) == shown(sent[:cut], sent[cut:])
