"""The Logs screen, driven by keys, over real files that are written, rotated and cut off."""

import os
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.events import MouseScrollUp
from textual.pilot import Pilot

from console.app import LogConsole, OpsConsole
from console.screens.logs import LogScreen
from console.targets import Command, Target
from console.widgets.log_view import LogView
from tests.console.seeing import append, screen_text, sees
from tests.console.terminal import Terminal

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]
SIZES = [(80, 24), (120, 40), (200, 60)]


def console(*logs: Path | Command) -> LogConsole:
    return LogConsole(Target("shop", logs=logs))


def view_of(app: OpsConsole) -> LogView:
    assert isinstance(app.screen, LogScreen)
    return app.screen.log_view


def rows(app: OpsConsole) -> list[str]:
    """What is shown of the log, without its scroll bar."""
    lines = screen_text(app).splitlines()
    return [line[:-1].rstrip() for line in lines[3 : 3 + view_of(app).size.height]]


async def typed(pilot: Pilot[str], text: str) -> None:
    await pilot.press("slash", *text)


def paths(log_line: LogLine, count: int, **fields: object) -> list[bytes]:
    return [log_line(path=f"/{number}", **fields) for number in range(count)]


def rotate(log: Path) -> Path:
    return log.rename(log.with_name(f"{log.name}.1"))


@pytest.mark.parametrize("size", SIZES)
async def test_the_log_is_followed(
    until: Until, log: Path, log_line: LogLine, size: tuple[int, int]
) -> None:
    app = console(log)
    append(log, *paths(log_line, 100))
    async with app.run_test(size=size):
        await until(sees(app, "/99", "following", "info", "201", "45 ms", "POST"))
        append(log, log_line(path="/new", level="WARNING"), b"no json \x1b[31m\n")
        await until(sees(app, "/new", "warning", r"no json \x1b[31m", "102 lines"))
        assert ("abc123" in screen_text(app)) is (size[0] >= 100)


async def test_scrolling_up_stops_following_and_end_goes_on(
    until: Until, log: Path, log_line: LogLine
) -> None:
    app = console(log)
    append(log, *paths(log_line, 100))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "/99"))
        await pilot.press("pageup", "pageup")
        await until(sees(app, "36 lines below", "of 100 lines"))
        shown = rows(app)
        append(log, *(log_line(path=f"/new/{number}") for number in range(7)))
        await until(sees(app, "43 lines below"))
        assert rows(app) == shown
        await pilot.press("G")
        await until(sees(app, "/new/6", "following"))


async def test_the_mouse_wheel_stops_following_too(
    until: Until, log: Path, log_line: LogLine
) -> None:
    app = console(log)
    append(log, *paths(log_line, 100))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "/99"))
        event = dict.fromkeys(("x", "y", "delta_x", "button"), 0)
        up = MouseScrollUp(view_of(app), **event, delta_y=-1, shift=False, meta=False, ctrl=False)
        view_of(app).post_message(up)
        await until(sees(app, "3 lines below"))
        await pilot.press("down", "down", "down", "down")
        await until(sees(app, "following"))


async def test_every_line_can_be_reached(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, *paths(log_line, 30_000))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "/29999"))
        await pilot.press("home")
        await until(sees(app, "/18", "29,981 lines below", "1 of 30,000 lines"))
        await pilot.press("pagedown", *["down"] * 3)
        await until(sees(app, "22 of 30,000 lines"))
        await pilot.click(view_of(app), offset=(79, 9))
        middle = view_of(app).selected
        assert middle is not None
        assert 14_000 < int(middle.path[1:]) < 16_000


async def test_pause_holds_the_picture_still(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, log_line(path="/first"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "/first"))
        await pilot.press("space")
        append(log, log_line(path="/second"))
        await until(sees(app, "paused, 1 new line"))
        await pilot.press("l", "l", "l", "l")
        assert "/second" not in screen_text(app)
        await pilot.press("space")
        await until(sees(app, "/second", "following"))


async def test_filters_by_level_and_by_request(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    levels = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
    append(log, *(log_line(path=f"/{level}", level=level, request_id=level) for level in levels))
    append(log, b"plain text\n")
    async with app.run_test(size=(100, 24), notifications=True) as pilot:
        await until(sees(app, "6 lines"))
        for told in ("level>=info   4 matches", "level>=warning   3 m", "level>=error   2 m"):
            await pilot.press("l")
            await until(sees(app, told))
        await pilot.press("l")
        await until(sees(app, "plain text", "/DEBUG"))
        await pilot.press("r")
        await until(sees(app, "this line has no request id"))
        await pilot.press("up", "r")
        await until(lambda: len(view_of(app).pager.rows) == 1)
        append(log, log_line(path="/other"), log_line(path="/same", request_id="CRITICAL"))
        await until(sees(app, "request_id=CRITICAL   2 matches", "/CRITICAL", "/same"))
        await pilot.press("r")
        await until(lambda: len(view_of(app).pager.rows) == 8)
        assert view_of(app).selected is not None
        assert view_of(app).selected.path == "/CRITICAL"


async def test_a_filter_is_typed_with_help(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, *paths(log_line, 300, tenant="acme"), log_line(status=503, level="ERROR"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "301 lines"))
        await typed(pilot, "stauts>=500")
        await until(sees(app, "/ stauts>=500 ", "\n  ^^^^^^ did you mean status?"))
        await pilot.press("enter")
        assert app.watched.collection.wanted is None
        await pilot.press("ctrl+u", *"ten")
        await until(sees(app, "tenant", "text, seen"))
        await pilot.press("tab", *"=ac")
        await until(sees(app, "acme"))
        await pilot.press("tab")
        await until(sees(app, "/ tenant=acme"))
        await pilot.press("enter")
        await until(sees(app, "tenant=acme   300 matches", "following"))
        await pilot.press("escape")
        await until(sees(app, "503", "301 lines"))
        assert app.watched.collection.wanted is None


async def test_the_place_is_kept_when_a_filter_comes_and_goes(
    until: Until, log: Path, log_line: LogLine
) -> None:
    app = console(log)
    levels = ("ERROR" if number % 100 == 0 else "INFO" for number in range(20_000))
    append(log, *(log_line(path=f"/{n}", level=level) for n, level in enumerate(levels)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "/19999"))
        await pilot.click(view_of(app), offset=(79, 9))
        await pilot.press(*["down"] * 5)
        chosen, above = view_of(app).selected, view_of(app).cursor
        assert chosen is not None
        await typed(pilot, "level>=error")
        await pilot.press("enter")
        await until(sees(app, "200 matches"))
        match = view_of(app).selected
        assert match is not None
        assert 0 <= int(match.path[1:]) - int(chosen.path[1:]) < 100
        await pilot.press("c")
        await until(sees(app, "all lines around", "info"))
        assert view_of(app).selected == match
        await pilot.press("c")
        await until(lambda: "info" not in screen_text(app))
        assert view_of(app).selected == match
        await pilot.press("escape")
        await until(sees(app, "info"))
        assert view_of(app).selected == match
        assert view_of(app).cursor == above


async def test_a_time_is_gone_to(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(
        log,
        *(
            log_line(path=f"/{n}", timestamp=f"2026-01-15T{n // 60:02}:{n % 60:02}:00Z")
            for n in range(24 * 60)
        ),
    )
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "/1439"))
        await pilot.press("t", *"noon")
        await until(sees(app, "^^^^ 14:30"))
        await pilot.press("ctrl+u", *"2026-01-15T10:30:00Z", "enter")
        await until(sees(app, "/630"))
        assert view_of(app).selected is not None
        assert view_of(app).selected.path == "/630"
        # Counted from the newest line, which is of 23:59.
        await pilot.press("t", *"-2h", "enter")
        await until(sees(app, "/1319"))
        assert view_of(app).selected is not None
        assert view_of(app).selected.path == "/1319"


async def test_a_missing_log_appears_later(until: Until, log: Path, log_line: LogLine) -> None:
    late = log.with_name("late.jsonl")
    app = console(late)
    async with app.run_test(size=(120, 24)):
        await until(sees(app, "no such file yet"))
        append(late, log_line(path="/appeared"))
        await until(sees(app, "/appeared"))
        await until(lambda: "no such file" not in screen_text(app))


async def test_rotation_keeps_the_lines_before_it_in_view(
    until: Until, log: Path, log_line: LogLine
) -> None:
    app = console(log)
    append(log, *paths(log_line, 5))
    async with app.run_test(size=(80, 24)):
        await until(sees(app, "/4"))
        rotated = rotate(log)
        append(log, log_line(path="/new"))
        await until(sees(app, "/new", "6 lines"))
        assert [row.split("/")[-1] for row in rows(app) if row] == ["0", "1", "2", "3", "4", "new"]
        append(rotated, log_line(path="/late"))
        await until(sees(app, "/late"))


async def test_a_truncated_log_is_shown_anew(until: Until, log: Path, log_line: LogLine) -> None:
    app = console(log)
    append(log, *paths(log_line, 9))
    async with app.run_test(size=(120, 24)) as pilot:
        await until(sees(app, "/8"))
        await until(lambda: app.watched.log_lines == 9)
        os.truncate(log, 0)
        append(log, log_line(path="/new"))
        await until(sees(app, "/new", "1 line"))
        assert "/8" not in screen_text(app)
        await pilot.press("1")
        await until(sees(app, "truncated in place"))


async def test_several_files_are_one_log(until: Until, log: Path, log_line: LogLine) -> None:
    other = log.with_name("other.jsonl")
    for number in range(60):
        moment = f"2026-01-15T10:{number:02}:00Z"
        append((log, other)[number % 2], log_line(path=f"/{number}", timestamp=moment))
    app = console(log, other)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "60 lines"))
        assert [row.split("/")[-1] for row in rows(app)] == [str(n) for n in range(41, 60)]
        await pilot.press("pageup", "pageup", "home")
        await until(lambda: rows(app)[0].endswith("/0"))
        await pilot.press("G")
        await until(sees(app, "/59", "following"))


async def test_a_command_can_be_scrolled_like_a_file(until: Until, tmp_path: Path) -> None:
    script = "for n in $(seq 5000); do echo line $n; done; exec sleep 60"
    app = console(Command(("sh", "-c", script)))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "line 5000", "5,000 lines"))
        await pilot.press("home")
        await until(sees(app, "line 1 ", "4,981 lines below"))
        await typed(pilot, "4242")
        await pilot.press("enter")
        await until(sees(app, "line 4242", "1 match"))


async def test_no_line_is_missed_while_another_screen_is_shown(
    until: Until, log: Path, log_line: LogLine
) -> None:
    app = OpsConsole(Target("shop", logs=(log,)))
    append(log, log_line(path="/first"))
    async with app.run_test(size=(80, 24)) as pilot:
        await until(lambda: app.watched.collection.parts)
        rotate(log)
        append(log, log_line(path="/second"))
        await until(lambda: len(app.watched.collection.parts) == 2)
        rotate(log)
        append(log, log_line(path="/third"))
        await until(lambda: app.watched.collection.parts[-1].log.end == log.stat().st_size)
        await pilot.press("2")
        await until(sees(app, "/second", "/third"))


@pytest.mark.parametrize(
    ("burst", "told"),
    [
        ("/path~/clock\r", " 1 match"),
        ("/path~/clock\r?", "Everywhere"),
        ("t2026-01-15T10:30:00.123Z\r", " lines below"),
    ],
)
def test_what_is_typed_in_one_go_reaches_the_prompt(
    log: Path, log_line: LogLine, burst: str, told: str
) -> None:
    append(log, *paths(log_line, 200), log_line(path="/clock", timestamp="2026-01-15T10:31:00Z"))
    argv = [sys.executable, "-m", "console", "--log", str(log)]
    with Terminal(argv, log.parent) as terminal:
        terminal.until(b"201 lines")
        terminal.press(burst)
        terminal.until(told.encode())
