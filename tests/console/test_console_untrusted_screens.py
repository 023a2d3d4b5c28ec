"""Whatever is logged: statistics, fields, columns and tables of SQL draw nothing but text."""

import json
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot
from textual.widgets import Input

from console.app import LogConsole
from console.targets import Target
from console.text import visible
from tests.console.seeing import append, screen_text, sees

Until = Callable[..., Awaitable[None]]
EVIL = [
    "\x1b]0;title\x07",
    "\x1b[2J\x1b[31m",
    "\x9b2J\x90q\x9c",
    "a\rb\nc\td\x00",
    "\u202eright\u2066to\u200bleft\ufeff",
    "[bold]markup[/] [@click=app.quit]x[/]",
    "e" + "\u0301" * 50,
    "日本語" * 40,
    "\ud800",
    "'\"`(or) -x:*",
]


def evil_lines() -> list[bytes]:
    """Each text in every field, and as the name of one."""
    made = []
    for text in EVIL:
        line = {
            "timestamp": "2026-01-15T10:30:00Z",
            "level": "ERROR",
            **dict.fromkeys(("event", "request_id", "method", "path", "route", "client"), text),
            "user_id": text,
            "status": 500,
            "duration_ms": 5.0,
            "exception": {"type": text, "message": text, "frames": [f"{text}:41 {text}", text]},
            text: {text: [text, {text: text}]},
        }
        made.append(json.dumps(line).encode() + b"\n")
    return made


async def walked(pilot: Pilot[str], *keys: str) -> None:
    """Press keys; after each, all that is drawn can be read and no more."""
    for key in keys:
        await pilot.press(key)
        for line in screen_text(pilot.app).splitlines():  # type: ignore[arg-type]
            assert visible(line, len(line)) == line


@pytest.mark.parametrize("looked_at", [2, pytest.param(len(EVIL), marks=pytest.mark.long)])
async def test_nothing_but_text_is_drawn(until: Until, log: Path, looked_at: int) -> None:
    append(log, *evil_lines())
    app = LogConsole(Target("shop", logs=(log,)))
    async with app.run_test(size=(100, 40), notifications=True) as pilot:
        await until(sees(app, "10 lines"))
        for _ in range(looked_at):
            await pilot.press("enter", *["down"] * 4)
            await walked(pilot, "plus", "end", "c", "v")
            await pilot.press("escape", "escape", "up")
        await pilot.press("s")
        await until(sees(app, "up to date", "9 requests"))
        await walked(pilot, *["down"] * 5, "enter")
        await until(sees(app, "match"))
        await walked(pilot, "escape", "colon")
        app.screen.query_one(Input).value = "select * from logs"
        await pilot.press("enter")
        await until(sees(app, "10 rows in"))
        await walked(pilot, *["right"] * 9)
