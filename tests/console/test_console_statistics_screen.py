"""The statistics of the log on the screen: the command's numbers, kept current, with ways back."""

import json
import os
import subprocess
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from textual.pilot import Pilot

from console.app import LogConsole
from console.logs.sources.block import Block
from console.logs.statistics.summary import FailureFigures, RouteFigures, Summary
from console.screens.logs import LogScreen
from console.screens.statistics import StatisticsScreen
from console.targets import Command, Target
from console.watch.collection import Collection
from console.watch.log_statistics import LogStatistics
from console.widgets.histogram import HistogramChart
from console.widgets.statistics_list import StatisticsList
from tests.console.seeing import append, screen_text, sees
from tests.support import ROOT, wait_until

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]


def console(*logs: Path | Command) -> LogConsole:
    return LogConsole(Target("shop", logs=logs))


def lines(log_line: LogLine, count: int, **fields: object) -> list[bytes]:
    """One a minute from ten o'clock, of two routes; every tenth to the first has failed."""
    made = []
    for number in range(count):
        route = {"route": f"/{'ab'[number % 2]}/{{id}}", "path": f"/{'ab'[number % 2]}/{number}"}
        outcome: dict[str, object] = {"status": 200, "duration_ms": float(number % 100)}
        if number % 10 == 0:
            outcome = {
                "status": 503,
                "level": "ERROR",
                "exception": {"type": "TimeoutError", "frames": ["shop/pool.py:41 get"]},
            }
        at = f"2026-01-15T{10 + number // 60:02}:{number % 60:02}:00Z"
        identity: dict[str, object] = {"request_id": f"r{number}", "user_id": number % 3}
        made.append(log_line(timestamp=at, method="GET", **route, **identity, **outcome, **fields))
    return made


def rotate(log: Path) -> None:
    log.rename(log.with_name(f"{log.name}.1"))


async def opened(pilot: Pilot[str], until: Until, app: LogConsole) -> StatisticsScreen:
    await until(sees(app, "lines"))
    await pilot.press("s")
    await until(sees(app, "up to date", "ROUTE"))
    assert isinstance(app.screen, StatisticsScreen)
    return app.screen


async def choose(pilot: Pilot[str], screen: StatisticsScreen, name: str) -> None:
    """Move the cursor to the row of a route or an error."""
    figures = screen.query_one(StatisticsList)
    for _ in range(figures.row_count):
        chosen = figures.chosen
        match chosen and chosen[1]:
            case RouteFigures(route=found) | FailureFigures(signature=found) if found == name:
                return
        await pilot.press("down")
    pytest.fail(f"{name} cannot be chosen")


def told_by_the_command(log: Path, width: int) -> list[str]:
    argv = [sys.executable, "-m", "console", "logs", "--stats", "--log", str(log)]
    surroundings = {**os.environ, "COLUMNS": str(width), "PYTHONPATH": str(ROOT)}
    return subprocess.check_output(argv, env=surroundings, text=True, timeout=60).splitlines()


@pytest.mark.parametrize("size", [(80, 24), pytest.param((200, 60), marks=pytest.mark.long)])
async def test_the_screen_tells_what_the_command_does(
    until: Until, log: Path, log_line: LogLine, size: tuple[int, int]
) -> None:
    append(log, *lines(log_line, 200))
    told = told_by_the_command(log, size[0] - 3)
    app = console(log)
    async with app.run_test(size=size) as pilot:
        screen = await opened(pilot, until, app)
        figures = screen.query_one(StatisticsList)
        drawn = ["".join(s.text for s in figures.draw_row(n, 0)).rstrip() for n in range(9)]
    # The histogram stands above the list instead of in it.
    assert drawn[:6] == told[:6]
    assert any(row.startswith("GET /a/{id}") and " 20.0 %" in row for row in drawn)


async def test_a_route_leads_to_its_lines_and_an_error_to_its_own(
    until: Until, log: Path, log_line: LogLine
) -> None:
    append(log, *lines(log_line, 200))
    app = console(log)
    async with app.run_test(size=(120, 40)) as pilot:
        screen = await opened(pilot, until, app)
        await choose(pilot, screen, "GET /b/{id}")
        await pilot.press("enter")
        await until(sees(app, 'route="/b/{id}"', "100 matches"))
        # Of these lines only: none of them has failed.
        await opened(pilot, until, app)
        await until(sees(app, "100 requests", "0 % failed"))
        await pilot.press("escape", "escape")
        screen = await opened(pilot, until, app)
        await choose(pilot, screen, "TimeoutError in shop/pool.py:41")
        await pilot.press("enter")
        await until(sees(app, "20 matches", "/a/190"))
        # Back from there, the cursor is where it was and nothing is counted again.
        await pilot.press("escape")
        known = screen._statistics
        append(log, *lines(log_line, 1))
        screen = await opened(pilot, until, app)
        assert screen._statistics is known
        await until(sees(app, "201 requests"))
        chosen = screen.query_one(StatisticsList).chosen
        assert chosen is not None
        assert chosen[0] == "error"


async def test_a_bar_leads_to_its_time(until: Until, log: Path, log_line: LogLine) -> None:
    append(log, *lines(log_line, 600))
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        screen = await opened(pilot, until, app)
        await pilot.press("shift+tab", "home", "right", "right")
        chart = screen.query_one(HistogramChart)
        chosen = chart.chosen
        assert chosen is not None
        assert chosen.at is not None
        await until(sees(app, f"{chosen.at.astimezone():%Y-%m-%d %H:%M:%S}"))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, LogScreen))
        assert isinstance(app.screen, LogScreen)
        first = app.screen.log_view.selected
        assert first is not None
        assert first.at == chosen.at.timestamp()


async def test_figures_are_kept_current_and_begin_anew(
    until: Until, log: Path, log_line: LogLine
) -> None:
    append(log, *lines(log_line, 10))
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, until, app)
        append(log, *lines(log_line, 7))
        await until(sees(app, "17 requests"))
        rotate(log)
        append(log, *lines(log_line, 3))
        await until(sees(app, "20 requests"))
        await pilot.press("R")
        await until(sees(app, "0 lines", "since "))
        append(log, *lines(log_line, 2))
        await until(sees(app, "2 requests"))
        await pilot.press("a")
        await until(sees(app, "22 requests"))
        assert "since " not in screen_text(app)


async def test_a_log_that_is_no_file_is_counted_too(until: Until, log_line: LogLine) -> None:
    line = json.dumps(json.loads(log_line(route="/x")))
    app = console(Command(("sh", "-c", f"for n in 1 2 3 4 5; do echo '{line}'; done; sleep 60")))
    async with app.run_test(size=(80, 24)) as pilot:
        await opened(pilot, until, app)
        await until(sees(app, "5 requests", "POST /x"))


def counted(statistics: LogStatistics) -> Summary:
    def complete() -> bool:
        statistics.refresh()
        return statistics.progress == 1.0

    wait_until(complete, "all lines are counted")
    return statistics.summary(bars=40)


def test_lines_that_are_copied_when_older_ones_are_forgotten_are_counted_once(
    log_line: LogLine,
) -> None:
    collection = Collection([Command(("true",))], limit=4_000)
    try:
        statistics = LogStatistics(collection)
        for number in range(40):
            line = log_line(request_id=f"{number}")
            collection.keep([Block(line, "x", len(line), 0)])
            collection.refresh()
            assert counted(statistics).requests == number + 1
        assert collection.forgotten
        statistics.close()
    finally:
        collection.close()


async def test_what_is_left_is_not_counted_on(until: Until, log: Path, log_line: LogLine) -> None:
    append(log, b"".join(lines(log_line, 1_000)) * 100)
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "lines"))
        await pilot.press("s")
        await pilot.press("escape")
        await until(lambda: isinstance(app.screen, LogScreen))
        workers = app.watched.collection.workers
        await until(
            lambda: not workers._scans or all(s.urgency < 2 for s in workers._scans.values())
        )


async def test_a_log_without_times_or_requests(until: Until, log: Path) -> None:
    append(log, *(b"line %d\n" % number for number in range(9)))
    app = console(log)
    async with app.run_test(size=(80, 24)) as pilot:
        await until(sees(app, "9 lines"))
        await pilot.press("s")
        await until(sees(app, "9 lines", "no line that tells a time", "up to date"))
        await pilot.press("down", "enter", "up", "escape")
        await until(lambda: isinstance(app.screen, LogScreen))
