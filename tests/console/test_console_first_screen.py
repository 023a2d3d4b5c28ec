"""The first screen shows what the framework will draw, and leaves a terminal as it was."""

import sys
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from console.app import LogConsole
from console.first_screen import opens_on_logs, screen_lines
from console.targets import Command, Endpoint, Target
from tests.console.seeing import append, screen_text, sees
from tests.console.terminal import Terminal

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]


@pytest.mark.parametrize("size", [(60, 12), (80, 24), (120, 40), (200, 60)])
async def test_nothing_moves_when_the_framework_takes_over(
    until: Until, log: Path, log_line: LogLine, size: tuple[int, int]
) -> None:
    width, height = size
    append(log, *(log_line(path=f"/{n}", level="ERROR") for n in range(100)))
    append(log, log_line(path="/数据/" + "x" * 300), b"\x1b]0;no json \xff\n", b'{"unfinished')
    target = Target("shop", "production", logs=(log,))
    lines = ["".join(text for text, _ in line) for line in screen_lines(target, width, height)]
    app = LogConsole(target)
    async with app.run_test(size=size):
        await until(sees(app, r"\x1b]0;no json"))
        shown = screen_text(app).splitlines()
    assert len(lines) == height
    assert lines[0].split()[:-1] == shown[0].split()[:-1]
    assert [line.rstrip() for line in lines[1:-2]] == [
        line.removesuffix("┃").rstrip() for line in shown[1:-2]
    ]


def test_files_that_are_not_there_or_no_files_leave_it_empty(tmp_path: Path) -> None:
    target = Target("shop", logs=(tmp_path / "none.jsonl", Command(("true",)), tmp_path))
    lines = screen_lines(target, 80, 24)
    assert len(lines) == 24
    assert all(sum(len(text) for text, _ in line) == 80 for line in lines)


def test_the_console_opens_on_what_there_is() -> None:
    log = Path("service.jsonl")
    assert opens_on_logs(Target("shop", logs=(log,)))
    assert not opens_on_logs(Target("shop"))
    assert not opens_on_logs(Target("shop", logs=(log,), health=(Endpoint("a", "http://a"),)))


def test_a_framework_that_cannot_be_imported_leaves_the_terminal_as_it_was(
    log: Path, log_line: LogLine
) -> None:
    append(log, log_line(path="/newest"))
    code = (
        "import sys; sys.modules['textual'] = None\n"
        "from console.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    argv = [sys.executable, "-c", code, "--log", log.name]
    with Terminal(argv, log.parent) as terminal:
        assert terminal.end() == 2
        assert terminal.echoes
    drawn, _, after = terminal.output.partition(b"\x1b[?1049l")
    assert b"/newest" in drawn
    assert after.strip() == b"opsconsole: install quartermaster[console]"


def test_what_is_typed_before_the_framework_is_there_is_not_lost(
    log: Path, log_line: LogLine
) -> None:
    append(log, log_line(path="/newest"))
    with Terminal([sys.executable, "-m", "console", "--log", log.name], log.parent) as terminal:
        terminal.until(b"/newest")
        assert not terminal.echoes
        terminal.press("q")
        assert terminal.end() == 0
        assert terminal.echoes


def test_enter_is_enter_from_the_beginning(log: Path, log_line: LogLine) -> None:
    append(log, log_line(path="/newest"), log_line(path="/other"))
    with Terminal([sys.executable, "-m", "console", "--log", log.name], log.parent) as terminal:
        terminal.until(b"/other")
        assert not terminal.echoes
        terminal.press("/newest\r")
        terminal.until(b"1 match")
