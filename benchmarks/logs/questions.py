"""What programs that answer and end are asked, and how each is asked the same."""

import shutil
import sys
from collections.abc import Callable, Mapping
from importlib.util import find_spec
from typing import NamedTuple

from benchmarks.logs.figures import OURS
from benchmarks.logs.plan import ERRORS, SLOW

DUCKDB, JQ, RIPGREP = "DuckDB", "jq", "ripgrep"

SELECTS = {
    "p99 of each route": (
        "select route, count(*) as n, quantile_cont(duration_ms, .99) as p99"
        " from logs group by 1 order by 1"
    ),
    "errors a minute": (
        "select date_trunc('minute', time) as minute, count(*) as n"
        " from logs where status >= 500 group by 1 order by 1"
    ),
    "lines of each level": "select level, count(*) as n from logs group by 1 order by 1",
    "slowest requests": (
        "select request_id, route, duration_ms from logs"
        " order by duration_ms desc nulls last, request_id limit 20"
    ),
}
"""What is asked in SQL."""

_STATISTICS = (
    "select route, count(*), avg((status >= 500)::int), quantile_cont(duration_ms, [.5, .95, .99])"
    " from logs group by 1"
)
_COUNTS = {
    ERRORS: ("level in ('error', 'critical')", '.level == "ERROR" or .level == "CRITICAL"'),
    SLOW: (
        "status >= 500 and duration_ms > 250",
        "(.status // 0) >= 500 and (.duration_ms // 0) > 250",
    ),
}
_ERRORS = r'"level":"(ERROR|CRITICAL)"'
# A program for numbers is not what ripgrep is.
_SLOW = r'"status":5\d\d,"duration_ms":(250\.[1-9]|25[1-9]|2[6-9]\d|[3-9]\d\d|\d{4})'
_TOLD_BY_JQ = (
    'reduce inputs as $line ({}; .[$line.route // ""] |= [.[0] + 1, .[1] + '
    "(if ($line.status // 0) >= 500 then 1 else 0 end)])"
)

Command = list[str]


class Question(NamedTuple):
    """The command of each program, given the log's path. `filter`: what is counted."""

    section: str
    name: str
    commands: Mapping[str, Callable[[str], Command]]
    filter: str = ""


def questions() -> list[Question]:
    """All of them."""
    counts = [
        Question(
            "count",
            wanted,
            {
                OURS: _ours("logs", "--count", wanted, "--log"),
                RIPGREP: _plain("rg", "--count", "--regexp", pattern),
                DUCKDB: _duckdb(f"select count(*) as n from logs where {where}"),
                JQ: _plain("jq", "--null-input", _count(condition)),
            },
            filter=wanted,
        )
        for (wanted, (where, condition)), pattern in zip(
            _COUNTS.items(), (_ERRORS, _SLOW), strict=True
        )
    ]
    statistics = Question(
        "statistics",
        "of each route",
        {
            OURS: _ours("logs", "--stats", "--json", "--log"),
            DUCKDB: _duckdb(_STATISTICS),
            f"{JQ}, no percentiles": _plain("jq", "--null-input", _TOLD_BY_JQ),
        },
    )
    selects = [
        Question(
            "sql",
            name,
            {
                OURS: _ours("sql", select, "--format", "csv", "--log"),
                DUCKDB: _duckdb(select),
            },
        )
        for name, select in SELECTS.items()
    ]
    return [*counts, statistics, *selects]


def missing() -> dict[str, str]:
    """Which of the programs are not here, and why."""
    programs = {RIPGREP: "rg", JQ: "jq"}
    found = {who: "not on PATH" for who, name in programs.items() if not shutil.which(name)}
    if not find_spec("duckdb"):
        found[DUCKDB] = "not installed"
    return found


def _count(condition: str) -> str:
    return f"reduce (inputs | select({condition})) as $line (0; . + 1)"


def _ours(*arguments: str) -> Callable[[str], Command]:
    return lambda path: [sys.executable, "-m", "console", *arguments, path]


def _duckdb(select: str) -> Callable[[str], Command]:
    return lambda path: [sys.executable, "-m", "benchmarks.logs.duckdb_alone", path, select]


def _plain(*command: str) -> Callable[[str], Command]:
    return lambda path: [*command, path]
