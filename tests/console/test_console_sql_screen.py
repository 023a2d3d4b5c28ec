"""SQL typed on the Logs screen: over the lines that are shown, in a process that can be stopped."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import psutil
import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import LogConsole
from console.health.probe import OWN_REQUEST
from console.screens.logs import LogScreen
from console.screens.sql import SqlScreen
from console.targets import Command, Endpoint, Target
from tests.console.seeing import append, screen_text, sees
from tests.console.terminal import Terminal

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]


def console(*logs: Path | Command, **target: object) -> LogConsole:
    return LogConsole(Target("shop", logs=logs, **target))  # type: ignore[arg-type]


async def asked(pilot: Pilot[str], statement: str) -> None:
    """Type a statement in the place of the last one."""
    if not isinstance(pilot.app.screen, SqlScreen):
        await pilot.press("colon")
    await pilot.press("colon", "ctrl+u")
    pilot.app.screen.query_one(Input).value = statement
    await pilot.press("enter")


def statements() -> list[psutil.Process]:
    """The processes that run one."""
    return [child for child in psutil.Process().children() if "sql" in child.cmdline()]


@pytest.mark.parametrize("size", [(80, 24), pytest.param((200, 60), marks=pytest.mark.long)])
async def test_a_statement_is_answered_with_a_table(
    until: Until, log: Path, log_line: LogLine, size: tuple[int, int]
) -> None:
    append(log, *(log_line(path=f"/{n % 3}", event="\x1b[2J\u202e") for n in range(10)))
    app = console(log)
    async with app.run_test(size=size) as pilot:
        await until(sees(app, "10 lines"))
        await pilot.press("colon")
        await until(sees(app, "One SELECT of DuckDB's SQL", "of all lines"))
        await asked(
            pilot, "select path, count(*) as n, any_value(message) as said from logs group by 1"
        )
        await until(sees(app, "3 rows in", "path  n  said", r"/0    4  \x1b[2J\u202e"))
        # The one before is there to be changed, and is not forgotten with the screen.
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, LogScreen))
        await pilot.press("colon")
        await until(sees(app, "sql select path, count(*)"))


async def test_it_is_about_what_is_shown(until: Until, log: Path, log_line: LogLine) -> None:
    polls = (log_line(request_id=f"{OWN_REQUEST}{n}") for n in range(5))
    append(log, *(log_line(status=200 + n % 2 * 300) for n in range(10)), *polls)
    # Nobody answers there.
    app = console(log, health=(Endpoint("web1", "http://127.0.0.1:9/health"),))
    async with app.run_test(size=(100, 24)) as pilot:
        await until(sees(app, "5 own polls left out"))
        await asked(pilot, "select count(*) as found from logs")
        await until(sees(app, "1 row in", "\n   10 "))
        await pilot.press("escape", "slash", *"status>=500", "enter")
        await until(sees(app, "5 matches"))
        await asked(pilot, "select count(*) as found, min(status) as least from logs")
        await until(sees(app, "of the lines that match status>=500", "    5    500 "))


async def test_a_log_that_is_no_file_can_be_asked(until: Until) -> None:
    script = "for n in 1 2 3 4; do echo line $n; done; exec sleep 60"
    app = console(Command(("sh", "-c", script)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "4 lines"))
        await asked(pilot, "select max(message) as last, count(*) as n from logs")
        await until(sees(app, "line 4  4"))


async def test_only_a_thousand_rows_are_shown(until: Until, log: Path, log_line: LogLine) -> None:
    append(log, *(log_line(path=f"/{n}") for n in range(1_500)))
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "1,500 lines"))
        await asked(pilot, "select message, repeat('x', 99) as wide, path from logs")
        await until(sees(app, "the first 1,000 rows", "message  wide"))
        await pilot.press(*["right"] * 20, "end")
        await until(sees(app, "/999"))
        assert "message  wide" not in screen_text(app)


@pytest.mark.parametrize(
    ("statement", "told"),
    [
        ("select nothing from logs", 'Referenced column "nothing" not found'),
        ("select * from '/etc/passwd'", "Table with name /etc/passwd does not exist"),
    ],
)
async def test_what_is_wrong_is_said(
    until: Until, log: Path, log_line: LogLine, statement: str, told: str
) -> None:
    append(log, log_line())
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "1 line"))
        await asked(pilot, statement)
        await until(lambda: told in " ".join(screen_text(app).split()))
        assert isinstance(app.focused, Input)


async def test_without_duckdb_it_is_said_how_to_get_it(
    until: Until, log: Path, log_line: LogLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = tmp_path / "without"
    missing.mkdir()
    (missing / "duckdb.py").write_text("raise ModuleNotFoundError(name='duckdb')")
    monkeypatch.syspath_prepend(missing)
    append(log, log_line())
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "1 line"))
        await asked(pilot, "select 1")
        await until(sees(app, "needs DuckDB: install quartermaster[sql]"))


async def test_a_statement_can_be_stopped(until: Until, log: Path, log_line: LogLine) -> None:
    append(log, *(log_line() for _ in range(5_000)))
    app = console(log)
    endless = "select sum(a.status * b.status * c.status) from logs a, logs b, logs c"
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "5,000 lines"))
        await asked(pilot, endless)
        await until(sees(app, "running, 1 s"))
        assert len(statements()) == 1
        await pilot.press("escape")
        await until(sees(app, "stopped"))
        await until(lambda: not statements())
        # To ask something else ends what is asked, and so does to quit.
        await asked(pilot, endless)
        await until(statements)
        await asked(pilot, "select 41 + 1 as answer")
        await until(sees(app, "1 row in", "    42 "))
        await until(lambda: not statements())
        await asked(pilot, endless)
        await until(statements)
    await until(lambda: not statements())


def test_it_can_be_typed_in_one_go(log: Path, log_line: LogLine) -> None:
    append(log, log_line())
    argv = [sys.executable, "-m", "console", "--log", str(log)]
    with Terminal(argv, log.parent) as terminal:
        terminal.until(b"1 line")
        terminal.press(":select 41 + 1 as answer, 'q?' as quit\r")
        terminal.until(b"    42")
        terminal.press("q")
        assert terminal.end() == 0
