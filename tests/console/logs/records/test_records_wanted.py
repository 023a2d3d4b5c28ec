"""The wanted fields of a block are exactly what `decode` says of each of its lines."""

import json

from hypothesis import example, given
from hypothesis import strategies as st

from console.logs.records import decode_line, value_of
from console.logs.records.aliases import ALIASES, ATTRIBUTES
from console.logs.records.wanted import Columns, reader
from tests.console.logs.records.strategies import LINES

CONTRACT = (
    b'{"timestamp":"2026-01-15T10:30:00.123Z","level":"INFO","event":"request","request_id":"a",'
    b'"method":"GET","path":"/users","route":"/users","status":200,"duration_ms":1.5,"user_id":7,'
    b'"client":null,"logger":null}'
)
NAMES = [*ALIASES, "user_id", "ctx.tenant", "ctx", "log", "level.x", 'odd"name', "MESSAGE", "pid"]


def expected(line: bytes, names: list[str]) -> list[object]:
    record = decode_line(line)
    return [
        getattr(record, ATTRIBUTES[name]) if name in ATTRIBUTES else value_of(record, name)
        for name in names
    ]


@given(
    st.lists(st.lists(LINES, max_size=8), max_size=4),
    st.lists(st.sampled_from(NAMES), max_size=5),
    st.booleans(),
)
@example([[b"{}{}", b"", b'{"level":"error"}']], ["level"], True)
@example([[b'{"level":', b'"error"}', b'{"level":"info"}{}']], ["level"], False)
@example([[b'{"level":null,"severity":"error"}', b'{"severity":"error"}']], ["level"], True)
def test_a_block_is_read_as_its_lines_are(
    blocks: list[list[bytes]], names: list[str], ended: bool
) -> None:
    read = Columns(names)
    for lines in blocks:
        block = b"\n".join(lines) + b"\n" * (ended and bool(lines))
        if not ended and (not lines or not lines[-1]):
            continue
        rows = [list(row) for row in zip(*read(block), strict=True)]
        assert repr(rows) == repr([expected(line, names) for line in lines if names])


WRAPPED = st.one_of(
    st.builds(
        lambda line, time, end: (
            b'{"log":%b,"stream":"stdout","time":"%b"}'
            % (json.dumps(line.decode(errors="replace") + end).encode(), time)
        ),
        st.one_of(LINES, st.just(CONTRACT)),
        st.sampled_from([b"2026-01-15T10:30:00.123456789Z", b"soon", b""]),
        st.sampled_from(["\n", "", "\r\n"]),
    ),
    st.builds(
        bytes.__add__,
        st.sampled_from(
            [
                b"2026-01-15T10:30:00.123456789Z stdout F ",
                b"[pod/a/b] ",
                b"web-1  | ",
                b"Jan 15 10:30:00 host app[12]: ",
                b"\0",
                b"no prefix ",
            ]
        ),
        st.one_of(LINES, st.just(CONTRACT)),
    ),
    LINES,
)


@given(
    st.lists(WRAPPED, min_size=9, max_size=24),
    st.one_of(st.lists(st.sampled_from(NAMES), max_size=5), st.just(["time", "level", "message"])),
)
@example([b'web-1 | {"level":"error"'] * 9 + [b"{}"], ["level"])
@example([b'web-1 | {"a":[[}'] * 9, ["level", "message"])
def test_lines_with_something_around_them_are_read_as_they_are(
    lines: list[bytes], names: list[str]
) -> None:
    rows = [list(row) for row in zip(*Columns(names).of_lines(lines), strict=True)]
    assert repr(rows) == repr([expected(line, names) for line in lines if names])


def test_a_row_has_attributes() -> None:
    read = reader(["level", "duration_ms", "ctx.tenant"])
    (row,) = read(b'{"level":"WARN","duration_ms":5,"ctx":{"tenant":"acme"}}\n')
    assert (row.level, row.duration_ms, row[2]) == ("warning", 5.0, "acme")
    assert read(b"") == []
