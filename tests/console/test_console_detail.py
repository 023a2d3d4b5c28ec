"""All of a line on the screen, and what its values are good for: filters, columns, copies."""

import base64
import json
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from console.app import LogConsole, OpsConsole
from console.screens.detail import COPIED, DetailScreen
from console.screens.logs import LogScreen
from console.targets import Target
from console.widgets.field_list import FieldList
from tests.console.seeing import append, screen_text, sees
from tests.console.terminal import Terminal

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]
SIZES = [(80, 24), pytest.param((200, 60), marks=pytest.mark.long)]
TRACEBACK = [f"shop/part{number}.py:{number} f" for number in range(30)]


def console(log: Path) -> LogConsole:
    return LogConsole(Target("shop", logs=(log,)))


def to_field(app: OpsConsole, name: str) -> list[str]:
    """The keys that lead to a field."""
    fields = app.screen.query_one(FieldList)
    return ["home", *["down"] * next(n for n, f in enumerate(fields._fields) if f.name == name)]


@pytest.mark.parametrize("size", SIZES)
async def test_all_of_a_line(
    until: Until, log: Path, log_line: LogLine, size: tuple[int, int]
) -> None:
    app = console(log)
    append(log, log_line(extra={"deep": [1, "\x1b[0m"]}, stack="one\ntwo [b]three[/b]\n"))
    async with app.run_test(size=size) as pilot:
        await until(sees(app, "1 line"))
        await pilot.press("enter")
        await until(
            sees(app, "duration_ms  45.2", "extra.deep   1", r"\x1b[0m", "two [b]three[/b]")
        )
        assert isinstance(app.screen, DetailScreen)
        await pilot.press("v")
        await until(sees(app, '"duration_ms": 45.2', '"deep": [', r"\u001b[0m"))
        await pilot.press("v", "escape")
        assert isinstance(app.screen, LogScreen)


async def test_long_values_are_folded(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, log_line(exception={"type": "KeyError", "frames": TRACEBACK}, tenant="x" * 900))
    async with app.run_test(size=(80, 50)) as pilot:
        await until(sees(app, "1 line"))
        await pilot.press("enter")
        await until(sees(app, "shop/part5.py:5 f", "24 more rows: enter", "more rows: enter"))
        assert "shop/part6.py" not in screen_text(app)
        await pilot.press(*to_field(app, "exception.frames"), "enter")
        await until(sees(app, "shop/part29.py:29 f"))
        await pilot.press("enter")
        await until(lambda: "shop/part6.py" not in screen_text(app))


async def test_values_become_filters(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    tenants = ["acme", "acme", "globex", "initech"] * 3
    append(log, *(log_line(tenant=tenant, status=200 + n) for n, tenant in enumerate(tenants)))
    async with app.run_test(size=(100, 30)) as pilot:
        await until(sees(app, "12 lines"))
        await pilot.press("enter")
        await until(sees(app, "initech"))
        await pilot.press(*to_field(app, "tenant"), "minus")
        await until(sees(app, "tenant!=initech", "9 matches", "-  tenant"))
        await pilot.press("plus")
        await until(sees(app, "tenant=initech", "3 matches", "+  tenant"))
        await pilot.press(*to_field(app, "status"), "plus")
        await until(sees(app, "tenant=initech status=211", "1 match"))
        await pilot.press("plus", *to_field(app, "tenant"), "plus")
        await until(lambda: app.watched.collection.wanted is None)
        # The line of before: of all lines again, it is the one above.
        await pilot.press("left")
        await until(sees(app, "globex"))


async def test_a_field_becomes_a_column(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, log_line(tenant="acme", region="eu\x1b[2J"), log_line(region="us"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(sees(app, "2 lines"))
        await pilot.press("up", "enter", "end", "c")
        await pilot.press("escape")
        await until(sees(app, "REGION", r"eu\x1b[2J", "us"))
        await pilot.press("enter", "end", "up", "c")
        await until(sees(app, "there is no room"))
        await pilot.press("down", "c", "escape")
        await until(sees(app, "TENANT", "acme"))
        assert "REGION" not in screen_text(app)


async def test_a_line_of_ten_megabytes(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, log_line(large="y" * 10_000_000, last="the end"))
    async with app.run_test(size=(80, 30)) as pilot:
        await until(sees(app, "[9.5 MB line, cut]"))
        await pilot.press("enter")
        await until(sees(app, "large", "more rows: enter", "last         the end"))
        await pilot.press(*to_field(app, "large"), "enter", "end")
        fields = app.screen.query_one(FieldList)
        await until(sees(app, "the end"))
        assert fields.row_count < 2_000
        assert "9,934,464 more characters are not shown" in "".join(
            segment.text for n in range(fields.row_count) for segment in fields.draw_row(n, 80)
        )


def test_a_value_is_copied_through_the_terminal(log: Path, log_line: LogLine) -> None:
    append(log, log_line(note="a\x1b]0;t\x07\nb\u202e", after="z" * COPIED * 2))
    argv = [sys.executable, "-m", "console", "--log", str(log)]
    with Terminal(argv, log.parent) as terminal:
        terminal.until(b"1 line")
        terminal.press("\r")
        terminal.until(b"after")
        terminal.press("G" + "k" * 8 + "y")
        terminal.until(b"\x1b]52;c;")
        terminal.until(b"\x07")
        terminal.press("Y")
        terminal.until(b"\x1b]52;c;", count=2)
        terminal.until(b"\x07", count=2)
        terminal.press("qq")
        assert terminal.end() == 0
    _, value, line = (part.split(b"\x07")[0] for part in terminal.output.split(b"\x1b]52;c;"))
    assert base64.b64decode(value).decode() == "a\\x1b]0;t\\x07\nb\\u202e"
    copied = base64.b64decode(line).decode()
    assert len(copied) == COPIED
    assert json.dumps("a\x1b]0;t")[1:-1] in copied
