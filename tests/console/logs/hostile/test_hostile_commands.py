"""Whatever a log holds, what the commands write on a terminal is printable text."""

from collections.abc import Set as AbstractSet
from pathlib import Path

import pytest

from tests.console.commands.processes import on_terminal, opsconsole
from tests.console.logs.hostile.files import FILES, NAMES, write
from tests.console.logs.hostile.lines import innocent, lines_with
from tests.console.logs.hostile.sent import sequences, text_of, unprintable

pytestmark = pytest.mark.xdist_group("hostile")

LOGS = (
    ("logs",),
    ("logs", "level>=error", "-C", "1", "-n", "200"),
    ("logs", "--fields", "time,level,message,path,user_id,a.b,source"),
    ("logs", "--json"),
    ("logs", "--json", "--fields", "time,message,path,user_id,a.b,tags"),
    ("logs", "--stats"),
    ("logs", "--json", "--stats"),
)
SQL = (
    ("sql", "select * exclude (raw) from logs order by message desc"),
    ("sql", "select raw, path, count(*) from logs group by all"),
    ("sql", "select * from logs", "--format", "csv"),
    ("sql", "select * from logs", "--format", "json"),
)
# What the columns are drawn with, and nothing else.
INKS = {f"\x1b[{attribute}m" for attribute in (0, 1, 2, 31, 33, 36)}


def _is_harmless(output: str, own: AbstractSet[str] = frozenset()) -> None:
    sent = output.encode("utf-8", "surrogateescape")
    assert sequences(sent) <= own
    assert unprintable(sent) == set()
    assert "Traceback (most recent call last)" not in text_of(sent)


@pytest.mark.parametrize("arguments", [*LOGS, SQL[0], SQL[-1]], ids=" ".join)
def test_every_text(arguments: tuple[str, ...], short_log: Path) -> None:
    _shown(arguments, short_log)


@pytest.mark.long
@pytest.mark.parametrize("arguments", [*LOGS, *SQL], ids=" ".join)
def test_every_line(arguments: tuple[str, ...], whole_log: Path) -> None:
    _shown(arguments, whole_log)


def _shown(arguments: tuple[str, ...], log: Path) -> None:
    code, output = on_terminal(*arguments, "--log", log.name, cwd=log.parent)
    assert code == 0
    _is_harmless(output, INKS)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FILES if name not in {"empty", "newlines"}])
def test_logs_of_every_size_and_shape(name: str, tmp_path: Path) -> None:
    log = write(tmp_path / "large.jsonl", FILES[name]())
    for arguments in (*LOGS, SQL[0]):
        code, output = on_terminal(*arguments, "--log", log.name, cwd=tmp_path, NO_COLOR="1")
        assert code in {0, 1}, output[-1_000:]
        _is_harmless(output)


@pytest.mark.parametrize("command", ["logs", "sql"])
def test_names_of_files_and_fields(command: str, tmp_path: Path) -> None:
    for name in NAMES:
        (tmp_path / name).write_bytes(innocent(level="ERROR", status=500) + b"\n")
    logs = [part for name in NAMES for part in ("--log", name)]
    what = ("--fields", f"source,{NAMES[0]}") if command == "logs" else ("select * from logs",)
    code, output = on_terminal(command, *what, *logs, cwd=tmp_path, NO_COLOR="1")
    assert code == 0, output
    _is_harmless(output)
    missing = [f"{part}.not" if part in NAMES else part for part in logs]
    code, output = on_terminal(command, *what[-1:], *missing, cwd=tmp_path)
    assert code == 2
    assert output.count("no such file") == len(NAMES)
    _is_harmless(output)


@pytest.mark.parametrize("wanted", ["a\x1b]0;pwned\x07=1", "(\u202e", '"\x9b', "stauts\x1b[31m=5"])
def test_a_filter_that_means_nothing(wanted: str, innocent_log: Path) -> None:
    log = innocent_log.name
    code, output = on_terminal("logs", wanted, "--log", log, cwd=innocent_log.parent)
    assert code == 2
    _is_harmless(output)


def test_one_line_of_megabytes_is_no_obstacle_to_sql(tmp_path: Path) -> None:
    pytest.importorskip("duckdb")
    found = [b"\x1b" * 3_000_000, b"\xff" * 3_500_000, innocent(event="x" * 2_000_000)]
    write(tmp_path / "a.jsonl", iter([*found, innocent(), next(lines_with("\x1b[31m"))]))
    statement = "select count(*) as n, max(length(message)) as longest from logs"
    done = opsconsole("sql", statement, "--log", "a.jsonl", "--format", "csv", cwd=tmp_path)
    assert done.stdout == b"n,longest\n5,131072\n", done.stderr
