"""Lines above and below any offset, whatever their bytes and however long they are."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.lines import LINE_LIMIT
from console.logs.files import edges
from console.logs.files.edges import line_at, line_end, line_start, lines_from, starts_before
from console.logs.files.log_file import LogFile

line = st.one_of(
    st.binary(max_size=20).map(lambda raw: raw.replace(b"\n", b"")),
    st.integers(0, 300_000).map(lambda size: b"x" * size),
)


@settings(max_examples=80, deadline=None)
@given(
    lines=st.lists(line, min_size=1, max_size=8),
    whole=st.booleans(),
    newline=st.booleans(),
    data=st.data(),
)
def test_around_any_offset(
    lines: list[bytes], whole: bool, newline: bool, data: st.DataObject
) -> None:
    content = b"\n".join(lines) + (b"\n" if newline else b"")
    with TemporaryDirectory() as folder:
        path = Path(folder, "app.log")
        path.write_bytes(content)
        log = LogFile.open(path, whole=whole)
        starts = [0] + [at + 1 for at, byte in enumerate(content) if byte == 10]
        starts = [start for start in starts if start < log.end]
        ends = [*starts[1:], log.end] if starts else []
        offset = data.draw(st.integers(0, max(log.end - 1, 0)))
        place = max((at for at, start in enumerate(starts) if start <= offset), default=0)
        if starts:
            assert line_start(log, offset) == starts[place]
            assert line_end(log, offset) == ends[place]
        count = data.draw(st.integers(1, 10))
        assert starts_before(log, log.end, count) == starts[-count:]
        if starts:
            above = starts_before(log, starts[place], count)
            assert above == starts[max(place - count, 0) : place]
        found = lines_from(log, starts[place] if starts else 0, count)
        assert [placed.start for placed in found] == starts[place : place + count]
        for placed, end in zip(found, ends[place:], strict=False):
            raw = content[placed.start : end].removesuffix(b"\n")
            assert (placed.line.raw, placed.line.size) == (raw[:LINE_LIMIT], len(raw))
            assert placed.end == end
            assert line_at(log, placed.start) == placed


def test_a_line_of_ten_megabytes_is_shown_cut_and_can_be_read_whole(
    log_of: Callable[[bytes], LogFile],
) -> None:
    huge = b"0123456789" * 1_000_000
    log = log_of(b"before\n" + huge + b"\nafter\n")
    before, cut, after = lines_from(log, 0, 5)
    assert (len(cut.line.raw), cut.line.size) == (LINE_LIMIT, len(huge))
    assert log.read(cut.start, cut.end - cut.start - 1) == huge
    assert starts_before(log, log.end, 5) == [before.start, cut.start, after.start]


def test_what_is_read_for_a_screen_of_huge_lines_is_bounded(
    log_of: Callable[[bytes], LogFile], reads_of: Callable[[LogFile], list[int]]
) -> None:
    log = log_of((b"x" * 1_000_000 + b"\n") * 200)
    read = reads_of(log)
    starts = starts_before(log, log.end, 1_000)
    assert 50 < len(starts) < 80
    assert len(lines_from(log, starts[0], len(starts))) == len(starts)
    assert 0 < sum(read) < 200_000_000


def test_an_endless_line_is_taken_for_several(
    log_of: Callable[[bytes], LogFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(edges, "_LONGEST", 3_000_000)
    log = log_of(b"a\n" + b"x" * 7_000_000 + b"\nb\n")
    down = lines_from(log, 2, 10)
    assert [placed.start for placed in down] == [2, 3_000_002, 6_000_002, 7_000_003]
    up = starts_before(log, log.end, 10)
    assert up[0] == 0
    assert up[-1] == 7_000_003
    assert len(up) == 5


def test_a_file_that_has_shrunk_gives_what_is_left(log_of: Callable[[bytes], LogFile]) -> None:
    log = log_of(b"one\ntwo\nthree\n" * 10)
    log.path.write_bytes(b"one\n")
    assert lines_from(log, 0, 2)[0].line.raw == b"one"
    assert starts_before(log, log.end, 3)
