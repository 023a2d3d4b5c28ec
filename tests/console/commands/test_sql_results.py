"""What `opsconsole sql` writes, where, and what it says when it cannot."""

import csv
import io
import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.console.commands.processes import environment, line, on_terminal, opsconsole

LOG = (
    line(event="a")
    + line(event="b", status=503, duration_ms=250.0)
    + line(status="x", event="", duration_ms="y")
)


@pytest.fixture
def log(tmp_path: Path) -> Path:
    path = tmp_path / "a.jsonl"
    path.write_bytes(LOG)
    return path


def test_an_error_is_one_line_that_harms_no_terminal(log: Path) -> None:
    shown = opsconsole("sql", "select \x1b[31m", "--log", log.name, cwd=log.parent)
    assert shown.returncode == 2
    assert shown.stderr.count(b"\n") == 1
    assert b"\x1b" not in shown.stderr
    shown = opsconsole("sql", "select statsu from logs", "--log", log.name, cwd=log.parent)
    assert b'"statsu" not found' in shown.stderr
    assert b"status" in shown.stderr.replace(b"statsu", b"")


def test_every_format(log: Path) -> None:
    query = "select message, status, duration_ms / 3 as third from logs order by 2"

    def shown(*arguments: str) -> bytes:
        found = opsconsole("sql", query, "--log", log.name, *arguments, cwd=log.parent)
        assert (found.returncode, found.stderr) == (0, b"")
        return found.stdout

    table = shown("--format", "table").decode().splitlines()
    assert table == [
        "message  status   third",
        "a           200   4.167",
        "b           503  83.333",
        "",
    ]
    rows = list(csv.DictReader(io.StringIO(shown("--format", "csv").decode())))
    assert [row["status"] for row in rows] == ["200", "503", ""]
    assert json.loads(shown("--format", "json").splitlines()[1])["status"] == 503
    assert shown("--format", "parquet").startswith(b"PAR1")
    for name, begin in (("a.csv", b"message,"), ("a.json", b"{"), ("a.parquet", b"PAR1")):
        assert shown("--output", name) == b""
        assert (log.parent / name).read_bytes().startswith(begin)
    shown("--output", "table")
    assert (log.parent / "table").read_text().splitlines() == table


def test_a_file_is_kept_when_a_statement_fails(log: Path) -> None:
    (log.parent / "kept.txt").write_text("kept")
    query = "select cast(request_id as integer) from logs"
    shown = opsconsole("sql", query, "--log", log.name, "--output", "kept.txt", cwd=log.parent)
    assert shown.returncode == 2
    assert b"Conversion Error" in shown.stderr
    assert (log.parent / "kept.txt").read_text() == "kept"


def test_a_terminal_gets_a_table_of_its_width(log: Path) -> None:
    log.write_bytes(LOG + line(event="\x1b]0;pwned\x07 \u202e" + "x" * 200))
    query = "select message, path, status from logs order by message"
    code, shown = on_terminal("sql", query, "--log", log.name, cwd=log.parent, columns=60)
    assert code == 0
    assert max(map(len, shown.splitlines())) <= 60
    assert r"\x1b]0;pwned\x07 \u202e" in shown
    for kind in ("csv", "json"):
        _, shown = on_terminal("sql", query, "--log", log.name, "--format", kind, cwd=log.parent)
        assert all(character.isprintable() or character == "\n" for character in shown)


def test_many_rows_are_a_table_cut_short(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(line())
    shown = opsconsole(
        *("sql", "from range(5000)", "--format", "table", "--log", "a.jsonl"), cwd=tmp_path
    )
    assert shown.stdout.count(b"\n") == 1_001
    assert shown.stderr == b"opsconsole sql: there are more rows: --format csv has all\n"


def test_nothing_is_left_behind(log: Path, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("temporary")
    for query in ("from logs", "select nonsense", "copy logs to 'x'"):
        opsconsole(
            *("sql", query, "--log", log.name, "--log", "-"),
            cwd=log.parent,
            given=b"plain\n",
            TMPDIR=str(folder),
        )
    assert list(folder.iterdir()) == []


def test_without_duckdb_it_says_what_to_install(log: Path) -> None:
    code = "import sys; sys.modules['duckdb'] = None; from console.cli import main; "
    shown = subprocess.run(
        [sys.executable, "-c", code + "sys.exit(main(['sql', 'select 1', '--log', 'x']))"],
        cwd=log.parent,
        env=environment(),
        capture_output=True,
        timeout=30,
        check=False,
    )
    assert (shown.returncode, shown.stdout) == (2, b"")
    assert shown.stderr == b"opsconsole sql: needs DuckDB: install quartermaster[sql]\n"
