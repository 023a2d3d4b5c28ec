"""`opsconsole sql`: the lines of every format and source as one table."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from console.commands.contract import COLUMNS
from tests.console.commands.processes import line, opsconsole

CONTRACT = b"".join(
    [
        line(event="a", level="WARN", user_id=42, ctx={"tenant": "acme"}, client="10.0.0.1"),
        line(event="b", level="ERROR", status=503, duration_ms=250.0, request_id=None),
        line(event="", status="x", duration_ms="y", timestamp="soon", path=None),
    ]
)
OTHERS = (
    b'{"time":1768473000250,"level":50,"msg":"pino","responseTime":7,"req":{"method":"PUT"}}\n'
    b"Traceback (most recent call last):\n"
    b'level=warn msg="of logfmt" status=404 duration=1.5s\n'
    b'{"event":"broken \xff","level":"info"}\n'
    b'{"event":"half of a pair \\ud800"}\n'
    b"[1,2]\n"
)


def sql(query: str, *arguments: str | Path, cwd: Path, given: bytes = b"") -> list[dict[str, Any]]:
    """The rows of a query."""
    shown = opsconsole("sql", query, *arguments, cwd=cwd, given=given)
    assert (shown.returncode, shown.stderr) == (0, b"")
    return [json.loads(each) for each in shown.stdout.splitlines()]


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "it's [1] log*.jsonl"
    path.write_bytes(CONTRACT)
    return path


@pytest.mark.parametrize("more", [b"", b"\n"])
def test_lines_of_the_contract_are_typed_columns(log: Path, more: bytes) -> None:
    """An empty line takes all of the file through another way, to the same result."""
    log.write_bytes(CONTRACT + more)
    first, second, third, *_ = sql("from logs", "--log", log.name, cwd=log.parent)
    assert list(first) == [*COLUMNS, "source", "raw"]
    assert first | {"raw": None} == {
        "time": "2026-01-15 10:30:00.123+00",
        "level": "warning",
        "message": "a",
        "request_id": "3d28dc7277e8b516",
        "method": "GET",
        "path": "/api/v1/users/42",
        "route": "/api/v1/users/{user_id}",
        "status": 200,
        "duration_ms": 12.5,
        "user_id": "42",
        "client": "10.0.0.1",
        "source": log.name,
        "raw": None,
    }
    assert first["raw"]["ctx"] == {"tenant": "acme"}
    assert (second["level"], second["status"], second["request_id"]) == ("error", 503, None)
    assert [third[n] for n in ("time", "message", "status", "duration_ms", "path")] == [None] * 5


def test_other_formats_are_brought_into_the_same_columns(tmp_path: Path) -> None:
    (tmp_path / "a.log").write_bytes(CONTRACT + OTHERS)
    query = "select level, message, status, duration_ms, method, raw from logs"
    rows = [list(row.values()) for row in sql(query, "--log", "a.log", cwd=tmp_path)]
    assert [row[:5] for row in rows[3:]] == [
        ["error", "pino", None, 7.0, "PUT"],
        [None, "Traceback (most recent call last):", None, None, None],
        ["warning", "of logfmt", 404, 1500.0, None],
        ["info", "broken \\xff", None, None, None],
        [None, '{"event":"half of a pair \\ud800"}', None, None, None],
        [None, "[1,2]", None, None, None],
    ]
    assert rows[3][5]["msg"] == "pino"
    assert rows[4][5] == "Traceback (most recent call last):"


@pytest.mark.parametrize("usual", [8_000, 80_000])
@pytest.mark.parametrize("odd", [b"Killed\n", b"[1,2]\n", b'{"event":"broken \xff"}\n'])
def test_a_single_line_of_another_kind_is_found_in_a_large_file(
    tmp_path: Path, odd: bytes, usual: int
) -> None:
    """In a place where no sample is taken."""
    lines = [line(event="usual")] * usual
    lines.insert(150, odd)
    (tmp_path / "a.jsonl").write_bytes(b"".join(lines))
    query = "select message, count(*) as n from logs group by all order by n"
    first, second = sql(query, "--log", "a.jsonl", cwd=tmp_path)
    assert (first["n"], second) == (1, {"message": "usual", "n": usual})
    assert first["message"] in {"Killed", "[1,2]", "broken \\xff"}


TORN = (b'{"event":"torn off, "lev\n', b"Killed\n", b"[1,2]\n", b" \n", b'{"event":"\xff"}\n')


@pytest.mark.parametrize("broken_inside", [False, True])
@pytest.mark.parametrize("columns", ["message", "message, raw"])
def test_a_broken_line_is_a_row_with_its_text(
    tmp_path: Path, columns: str, *, broken_inside: bool
) -> None:
    """What no cheap look finds has the whole file taken through another way, to the same result."""
    lines = [line(event="usual")] * 3_000
    for at, torn in enumerate(TORN):
        lines.insert(400 * at + 150, torn)
    inside = b'{"event":"a" "b"}\n'
    if broken_inside:
        lines.insert(250, inside)
    (tmp_path / "a.jsonl").write_bytes(b"".join(lines) + b'{"event":"half')
    query = f"select {columns} from logs where message is null or message != 'usual'"
    log = ("--log", "a.jsonl")
    rows = sql(query, *log, cwd=tmp_path)
    expected = {*map(bytes.strip, TORN[:3]), b'{"event":"half', b"\\xff", b""}
    expected |= {inside.strip()} if broken_inside else set()
    assert {(row["message"] or "").strip().encode() for row in rows} == expected
    assert len(rows) == len(expected)
    ((count,),) = (row.values() for row in sql("select count(*) from logs", *log, cwd=tmp_path))
    assert count == 3_000 + len(expected)


def test_every_source_is_in_it(log: Path) -> None:
    (log.parent / "b.gz").write_bytes(gzip.compress(CONTRACT))
    rows = sql(
        "select source, count(*) as n, max(status) as most from logs group by all order by all",
        *("--log", log.name, "--log", "b.gz", "--log", "-", "--log", "cmd: echo status=200"),
        cwd=log.parent,
        given=CONTRACT,
    )
    assert [(row["source"], row["n"], row["most"]) for row in rows] == [
        ("-", 3, 503),
        ("b.gz", 3, 503),
        ("echo status=200", 1, None),
        (log.name, 3, 503),
    ]


def test_a_filter_and_limits_choose_the_lines(log: Path) -> None:
    def messages(*arguments: str) -> list[str]:
        rows = sql("select message from logs", "--log", log.name, *arguments, cwd=log.parent)
        return [row["message"] for row in rows]

    assert messages("--filter", "level>=error or status=200") == ["a", "b"]
    assert messages("--filter", "level>=critical") == []
    assert messages("--since", "2026-01-15T10:30:01Z") == []


def test_columns_are_there_whether_all_of_a_line_is_read_or_not(log: Path) -> None:
    def first(query: str) -> list[Any]:
        return list(sql(query, "--log", log.name, cwd=log.parent)[0].values())

    assert first("select count(*) from logs") == [3]
    assert first("select raw->>'$.ctx.tenant' from logs") == ["acme"]
    assert first("select count(distinct raw::text) from logs") == [3]
    assert first("select count(*) from (select distinct * from logs)") == [3]
    assert first("select count(*) from (describe logs)") == [13]
    assert len(first("select * from logs")) == 13
    assert "raw" in first("select logs from logs")[0]
    assert "raw" in first("select to_json(logs) as j from logs")[0]
