"""The three screens, driven by keys, watching real things."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from console.app import OpsConsole
from console.screens.dialogs import QuitDialog, UpgradeDialog
from console.screens.help import HelpDialog
from console.screens.logs import LogScreen
from console.screens.migrations import MigrationsScreen
from console.screens.overview import OverviewScreen
from console.targets import Endpoint, Target
from tests.console.seeing import append, screen_text, sees

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]
SIZES = [(80, 24), (120, 40), (200, 60)]


def now_text() -> str:
    return datetime.now(UTC).isoformat()


def test_widgets_may_be_there_before_their_screen() -> None:
    """The framework mounts those of the first screen so early from Python 3.12 on."""
    app = OpsConsole(Target("empty"))
    assert not app.screen_stack
    app.clear_selection()
    app._keep_up()
    app.watched.collection.close()


@pytest.mark.parametrize("size", SIZES)
async def test_nothing_to_watch_is_said_in_place(until: Until, size: tuple[int, int]) -> None:
    app = OpsConsole(Target("empty"))
    async with app.run_test(size=size, notifications=True) as pilot:
        await until(sees(app, "--health", "--log FILE", "--alembic DIR", "nothing has changed"))
        await pilot.press("2")
        await until(sees(app, "no log: give one with --log FILE"))
        await pilot.press("5")
        await until(sees(app, "give one with --alembic DIR", "no revisions"))
        await pilot.press("u")
        await until(sees(app, "the state of the database"))


async def test_an_instance_turns_red_and_green_again(
    until: Until, start_health: Callable[..., Any]
) -> None:
    one, two = start_health(), start_health()
    target = Target("shop", health=(Endpoint("web1", one.url), Endpoint("web2", two.url)))
    app = OpsConsole(target)
    async with app.run_test(size=(100, 30), notifications=True):
        await until(sees(app, "2 of 2 healthy", "● web1  healthy", "connected"))
        two.become_unhealthy("pool [red]timeout[/] \x1b[2J postgresql://u:secret@db/x")
        await until(sees(app, "1 of 2 healthy", "✖ web2  unhealthy", r"pool [red]timeout[/] \x1b"))
        await until(sees(app, "healthy → unhealthy: pool [red]timeout[/]"))
        assert "secret" not in screen_text(app)
        two.become_healthy()
        await until(sees(app, "2 of 2 healthy", "unhealthy → healthy"))
        one.close()
        await until(sees(app, "✖ web1  unhealthy  connection refused"))
        start_health(one.port)
        await until(sees(app, "2 of 2 healthy"))
    assert two.requests > 2


async def test_a_silent_instance_is_asked_one_question_at_a_time(
    until: Until, start_health: Callable[..., Any]
) -> None:
    silent, well = start_health(), start_health()
    silent.release.clear()
    target = Target("shop", health=(Endpoint("a", silent.url), Endpoint("b", well.url)))
    app = OpsConsole(target)
    async with app.run_test(size=(100, 30), notifications=True):
        await until(sees(app, "no answer in 2 s", "1 of 2 healthy"))
        assert well.requests >= 2
        silent.release.set()
        await until(sees(app, "2 of 2 healthy"))
    assert well.most_at_once == 1


async def test_traffic_and_errors_come_from_the_log(
    until: Until, log: Path, log_line: LogLine
) -> None:
    app = OpsConsole(Target("shop", logs=(log,)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        frames = ["/app/service/users/queries.py:41 create"]
        append(
            log,
            *(log_line(timestamp=now_text()) for _ in range(30)),
            *(
                log_line(
                    timestamp=now_text(),
                    level="ERROR",
                    status=500,
                    request_id="broken",
                    exception={"type": "TimeoutError", "frames": frames},
                )
                for _ in range(10)
            ),
        )
        await until(sees(app, "4.0 req/s", "25.0 % errors", "p99 4"))
        await until(sees(app, "new error", "TimeoutError in users/queries.py:41", "×10"))
        await pilot.press("enter")
        await until(lambda: isinstance(app.screen, LogScreen))
        assert isinstance(app.screen, LogScreen)
        assert not app.screen.log_view.following
        await until(sees(app, "TimeoutError in users/queries.py:41"))
        selected = app.screen.log_view.selected
        assert selected is not None
        assert selected.failure


async def test_key_hints_are_whole_at_every_width(until: Until, log: Path) -> None:
    app = OpsConsole(Target("shop", logs=(log,)))
    async with app.run_test(size=(80, 24)) as pilot:
        await pilot.press("2")
        for width in range(80, 112):
            await pilot.resize_terminal(width, 24)
            await until(lambda: screen_text(app).splitlines()[-1].rstrip().endswith("? keys"))


async def test_own_polls_are_no_traffic(
    until: Until, log: Path, log_line: LogLine, start_health: Any
) -> None:
    server = start_health()
    app = OpsConsole(Target("shop", health=(Endpoint("web1", server.url),), logs=(log,)))
    async with app.run_test(size=(100, 30), notifications=True) as pilot:
        await until(lambda: server.request_ids)
        append(log, log_line(path="/health", request_id=server.request_ids[0]))
        append(log, log_line(path="/health", request_id="a-balancers"))
        await pilot.press("2")
        await until(sees(app, "1 line, 1 own polls left out"))


async def test_an_upgrade_from_question_to_result(until: Until, alembic_project: Any) -> None:
    app = OpsConsole(Target("shop", alembic=alembic_project.folder))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await until(sees(app, "nothing applied", "pending  2"))
        await pilot.press("5")
        await until(sees(app, "○ pending  b2  add roles", "○ pending  a1  create users"))
        await pilot.press("u")
        await until(sees(app, "alembic upgrade head on shop (development)"))
        await pilot.press("escape")
        assert isinstance(app.screen, MigrationsScreen)
        await pilot.press("u", "y")
        await until(sees(app, "● current  b2", "· applied  a1", "done, ", "b2 (head)"))
        await pilot.press("u")
        await until(sees(app, "nothing is pending"))
        await pilot.press("1")
        await until(sees(app, "migration", "applied in"))


async def test_a_failing_revision_is_told_in_place(until: Until, alembic_project: Any) -> None:
    alembic_project.add("c3", "broken \x1b[31m", "raise ValueError('a\\x1b]0;x\\x07b')")
    app = OpsConsole(Target("shop", alembic=alembic_project.folder))
    async with app.run_test(size=(120, 40), notifications=True) as pilot:
        await pilot.press("5")
        await until(sees(app, r"○ pending  c3  broken \x1b[31m"))
        await pilot.press("u", "y")
        await until(sees(app, r"ValueError: a\x1b]0;x\x07b", "failed, exit code 1"))
        await until(sees(app, "○ pending  c3"))


async def test_production_asks_for_the_targets_name(until: Until, alembic_project: Any) -> None:
    app = OpsConsole(Target("shop", "production", alembic=alembic_project.folder))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("5")
        await until(sees(app, "○ pending  b2"))
        await pilot.press("u")
        await until(sees(app, "Type shop and press enter"))
        await pilot.press("y", "enter")
        await until(sees(app, "that is not the target's name"))
        assert isinstance(app.screen, UpgradeDialog)
        app.screen.query_one(Input).value = "shop"
        await pilot.press("enter")
        await until(sees(app, "● current  b2"))


async def test_read_only_refuses(until: Until, alembic_project: Any) -> None:
    app = OpsConsole(Target("shop", alembic=alembic_project.folder, read_only=True))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.press("5")
        await until(sees(app, "○ pending  b2", "read-only"))
        await pilot.press("u")
        await until(sees(app, "read-only: upgrades are refused"))
        assert isinstance(app.screen, MigrationsScreen)
    assert app.watched.schema.upgrade is None


@pytest.mark.parametrize("answer", ["w", "t"])
async def test_quitting_during_an_upgrade_asks(
    until: Until, alembic_project: Any, answer: str
) -> None:
    go = alembic_project.folder / "go"
    body = f"print('begun', flush=True)\nwhile not Path({str(go)!r}).exists(): time.sleep(0.02)"
    alembic_project.add("c3", "slow", body)
    app = OpsConsole(Target("shop", alembic=alembic_project.folder))
    async with app.run_test(size=(80, 30), notifications=True) as pilot:
        await pilot.press("5")
        await until(sees(app, "○ pending  c3"))
        await pilot.press("u", "y")
        await until(sees(app, "begun", "upgrade running"))
        await pilot.press("q")
        assert isinstance(app.screen, QuitDialog)
        await pilot.press("escape", "q", answer)
        if answer == "w":
            assert app.watched.schema.running
            go.touch()
        await until(lambda: app.return_value is not None)
    expected = "the upgrade finished in" if answer == "w" else "terminated on request"
    assert expected in str(app.return_value)


async def test_a_database_that_refuses_is_told_and_recovers(
    until: Until, alembic_project: Any
) -> None:
    alembic_project.database.write_bytes(b"garbage" * 200)
    app = OpsConsole(Target("shop", alembic=alembic_project.folder))
    async with app.run_test(size=(120, 24), notifications=True) as pilot:
        await pilot.press("5")
        await until(sees(app, "file is not a database", "? unknown  b2"))
        alembic_project.database.unlink()
        await pilot.press("R")
        await until(sees(app, "nothing applied", "○ pending  b2"))


async def test_keys_and_screens() -> None:
    app = OpsConsole(Target("shop"))
    async with app.run_test(size=(80, 24), notifications=True) as pilot:
        await pilot.pause()
        assert isinstance(app.screen, OverviewScreen)
        await pilot.press("question_mark")
        assert isinstance(app.screen, HelpDialog)
        assert "ask Alembic again" in screen_text(app)
        await pilot.press("escape")
        for key, screen in (("2", LogScreen), ("5", MigrationsScreen), ("1", OverviewScreen)):
            await pilot.press(key)
            assert isinstance(app.screen, screen)
        await pilot.press("3", "q")
    assert app.return_value is None
    assert app.return_code == 0
