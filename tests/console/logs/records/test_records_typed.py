"""Usual lines, with any others among them, are read as each of them is by itself."""

import json
import time
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.logs.records import decode_line
from console.logs.records.aliases import ALIASES, ATTRIBUTES
from console.logs.records.grouped import GroupedColumns
from console.logs.records.levels import SPELLINGS
from console.logs.records.lines import lines_of
from console.logs.records.times import expanded, instant, instants, runs_of, whole_seconds
from console.logs.records.typed import COARSE, TypedColumns
from console.logs.records.wanted import Columns
from tests.console.logs.records.strategies import LINES

NAMES = (
    *("time", "level", "message", "request_id", "method", "path", "route", "status"),
    *("duration_ms", "user_id", "client", "logger"),
)
TIMES = [
    *("2026-01-15T10:30:00.123Z", "2026-01-15T10:30:00,999Z", "1969-12-31T23:59:59.500Z"),
    *("2026-01-15T10:30:00.12ZZ", "2026-01-15T10:30:00.1234", "2026-01-15 10:30:00.123Z"),
    *("2026-13-15T10:30:00.123Z", "2026-01-15T10:30:00.12\u0663Z", "2026-01-15T10:30:00-+12Z"),
    *(
        "2026-01-15T10:30:00+01:0",
        "2026-01-15T10:30:00x123Z",
        "2026-01-15T10:30:00Z",
        "today",
        "",
        "2026-01-15T10:30:00.123+",
    ),
    *("2026-01-15T10:30:00.123456+02:00", "2026-01-15T10:30:00.123", "2026-01-15T10:30:00.12345"),
]
TEXTS = [None, "", "/api/v1/users", "naïve", "é" * COARSE, "é" * (COARSE + 1), 7, ["a"]]
ODD: dict[str, list[Any]] = {
    "timestamp": [None, 1768473000.5, *TIMES],
    "level": ["Error", "warn", "eRROR", "FATAL", "6", 30, None, "", "unheard-of"],
    "status": [None, 99, 100, 999, 1000, "200", 200.0, True],
    "duration_ms": [None, 0, -1.5, 10**25, "12ms", True],
    "user_id": [*TEXTS, 0, -1, 10**25, True, 1.0],
    **dict.fromkeys(("event", "request_id", "method", "path", "route", "client", "logger"), TEXTS),
}
OTHERS = {
    "time": 1768473000.5,
    "severity": "critical",
    "msg": "else",
    "requestId": "else",
    "http.method": "ELSE",
    "uri": "/else",
    "http.route": "/else",
    "status_code": 500,
    "elapsed": 1.5,
    "userId": 9,
    "ip": "::1",
    "name": "else",
    "log": '{"level":"error"}',
}
USUAL = (
    b'{"timestamp":"2026-01-15T10:30:00.123Z","level":"INFO","event":"request","request_id":"a1",'
    b'"method":"GET","path":"/users/7","status":200,"duration_ms":12.5,"user_id":42,'
    b'"route":"/users/<id>","client":"203.0.113.7","logger":"service"}'
)


LINE = st.builds(
    lambda odd, others: json.dumps({**json.loads(USUAL), **odd, **others}).encode(),
    st.fixed_dictionaries({}, optional={key: st.sampled_from(some) for key, some in ODD.items()}),
    st.fixed_dictionaries({}, optional={key: st.just(value) for key, value in OTHERS.items()}),
)


def check(lines: Sequence[bytes], names: Sequence[str], *, coarse: bool) -> None:
    read = Columns(names, coarse=coarse)
    for ended in (b"\n", b""):
        columns = read(b"\n".join(lines) + ended)
        for name, values in zip(names, columns, strict=True):
            assert repr([told(name, value) for value in values]) == repr(
                [expected(line, name, coarse=coarse) for line in lines]
            )


def told(name: str, value: Any) -> Any:
    if name in {"time", "status", "duration_ms"}:
        return value
    return str(value) if type(value) is int else value or ""


def expected(line: bytes, name: str, *, coarse: bool) -> Any:
    value = getattr(decode_line(line), ATTRIBUTES[name])
    if not coarse or value is None:
        return value
    return value // 1 if name == "time" else value[:COARSE] if isinstance(value, str) else value


@pytest.mark.parametrize("coarse", [False, True])
@pytest.mark.parametrize("others", [{}, OTHERS], ids=["alone", "and under other names"])
def test_an_odd_value_among_usual_ones(others: dict[str, Any], coarse: bool) -> None:
    usual = json.loads(USUAL)
    for name in NAMES:
        key = ALIASES[name][0].path
        odd = [json.dumps({**usual, key: value, **others}).encode() for value in ODD[key]]
        missing = {k: value for k, value in usual.items() if k != key}
        odd.append(json.dumps({**missing, **others}).encode())
        for line in odd:
            check([USUAL] * 20 + [line], [name], coarse=coarse)
            check([line] * 20, ["level", name, "status"], coarse=coarse)


@given(
    st.lists(st.just(USUAL) | LINE | LINES, max_size=12),
    st.integers(0, 40),
    st.permutations(NAMES).flatmap(lambda names: st.integers(1, 12).map(lambda n: names[:n])),
    st.booleans(),
)
@example([b"{}{}", b""], 30, ["level"], False)
@example([b'{"level":', b'"error"}{"level":"info"}'], 30, ["level"], True)
@example(
    [b'{"level":"error"}{"level":"info"}', b" \t\r", b"\0" + USUAL + b"\r"], 30, ["level"], True
)
def test_odd_lines_among_usual_ones(
    odd: list[bytes], usual: int, names: list[str], coarse: bool
) -> None:
    lines = [USUAL] * usual + odd + [USUAL]
    check(lines, names, coarse=coarse)


@given(
    st.lists(st.lists(st.just(USUAL) | LINE | LINES, max_size=8), min_size=1, max_size=3),
    st.integers(0, 40),
    st.permutations([name for name in NAMES if name != "time"]),
    st.integers(2, 5),
)
def test_lines_are_grouped_by_what_they_have_in_common(
    blocks: list[list[bytes]], usual: int, names: list[str], kind: int
) -> None:
    kinds: dict[tuple[Any, ...], int] = {}
    grouped = GroupedColumns(
        names[:kind], lambda told: kinds.setdefault(told, len(kinds)), names[kind:]
    )
    plain = Columns(["time", *names], coarse=True)
    for odd in blocks:
        lines = [USUAL] * usual + odd
        runs, numbers, singles = grouped.of_lines(lines)
        times, *columns = plain.of_lines(lines)
        assert expanded(runs) == times
        told = {number: values for values, number in kinds.items()}
        rows = zip(*[told[number] for number in numbers], strict=True) if lines else [()] * kind
        for name, values, expected in zip(names, (*rows, *singles), columns, strict=True):
            found = [SPELLINGS.get(each or "", "") if name == "level" else each for each in values]
            assert [each or "" for each in found] == [each or "" for each in expected]


def test_usual_lines_are_left_to_the_parser() -> None:
    for coarse in (False, True):
        read = TypedColumns.of(NAMES, coarse=coarse)
        assert read is not None
        _, others = read([USUAL, USUAL + b"\r\n", b"[1]", USUAL + USUAL])
        assert others == [2, 3]
        short = b'{"timestamp":"2026-01-15T10:30:00.123Z","request_id":null,"logger":"service"'
        _, others = read([short + b"}", short + b',"uri":"/"}'])
        assert others == [1]
    assert TypedColumns.of(("level", "tenant"), coarse=False) is None
    assert TypedColumns.of((), coarse=False) is None


@given(st.lists(st.sampled_from(TIMES) | st.text(min_size=23, max_size=25), max_size=6))
@example([])
def test_times_are_read_together_as_each_by_itself(values: list[str]) -> None:
    exact = [instant(value) for value in values]
    assert instants(list(values)) == exact
    for dense in (values, sorted(values), sorted(values * 40)):
        floors = [at if at is None else at // 1 for at in map(instant, dense)]
        assert whole_seconds(dense) == floors
        assert expanded(runs_of(dense)) == floors


def test_one_time_is_of_another_kind(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "UTC-5:30")
    time.tzset()
    try:
        for odd in TIMES:
            for usual in TIMES[:2]:
                values = [usual, odd, usual]
                exact = [instant(value) for value in values]
                assert instants(list(values)) == exact
                assert whole_seconds(values) == [None if at is None else at // 1 for at in exact]
    finally:
        monkeypatch.undo()
        time.tzset()


@given(st.lists(st.binary(max_size=5).map(lambda line: line.replace(b"\n", b"\r"))), st.booleans())
def test_lines_end_at_newlines_only(lines: Sequence[bytes], ended: bool) -> None:
    block = b"\n".join(lines) + (b"\n" if ended else b"")
    assert b"".join(lines_of(block)) == block
    found = [line.removesuffix(b"\n") for line in lines_of(block)]
    assert found == block.split(b"\n")[: len(found)]
    assert block.split(b"\n")[len(found) :] in ([], [b""])
