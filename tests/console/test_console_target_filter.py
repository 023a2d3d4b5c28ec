"""A target's filter: of a log that it shares, the target has only the lines that match."""

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from console.app import LogConsole
from console.logs.filters.parser import parse
from console.logs.sources.block import Block
from console.targets import load
from console.watch.query import ask
from console.watch.tally import Tally
from console.watch.watch import Watch
from tests.console.commands.processes import opsconsole
from tests.console.seeing import append, screen_text, sees

Until = Callable[..., Awaitable[None]]
LogLine = Callable[..., bytes]
TOML = """\
[target.api]
log = "service.jsonl"
filter = '{}'
"""


@pytest.fixture
def shared(log: Path, log_line: LogLine) -> Path:
    """A log of two services, and the target that is one of them."""
    append(log, *(log_line(path=f"/{name}", service=name) for name in ("api", "web", "api")))
    path = log.parent / "opsconsole.toml"
    path.write_text(TOML.format("service=api"))
    return path


async def test_the_screen_has_no_other_lines(
    until: Until, shared: Path, log: Path, log_line: LogLine
) -> None:
    app = LogConsole(load(shared))
    async with app.run_test(size=(120, 40)) as pilot:
        await until(sees(app, "/api", "2 lines", "1 left out"))
        append(log, log_line(path="/web/new", service="web"), log_line(path="/new", service="api"))
        await until(sees(app, "/new", "3 lines", "2 left out"))
        await pilot.press("slash", *"path~new", "enter")
        await until(sees(app, "1 match"))
        assert "/web" not in screen_text(app)


async def test_sql_has_no_other_lines(shared: Path) -> None:
    watch = Watch(load(shared), lambda: None)
    try:
        assert (await ask(watch, "select count(*) as n from logs")).rows == ["2"]
        watch.collection.look_for(parse("path=/web or path=/api"), {})
        assert (await ask(watch, "select count(*) as n from logs")).rows == ["2"]
    finally:
        watch.collection.close()


def test_only_its_lines_are_counted(log_line: LogLine) -> None:
    tally = Tally("own-", only="service=api")
    lines = [
        log_line(service="api"),
        log_line(service="web", status=500),
        log_line(service="api", request_id="own-1"),
        log_line(service="api", status=503),
    ]
    data = b"".join(lines)
    found = tally.add(Block(data, "-", len(data), len(data)), 1768473001.0)
    assert [each.title for each in found] == ["status 503"]
    assert (tally.lines, tally.own_lines) == (2, 1)


def test_commands_know_it(shared: Path) -> None:
    def count(*arguments: str) -> str:
        return opsconsole("logs", "--count", *arguments, cwd=shared.parent).stdout.decode()

    assert count() == "2\n"
    assert count("path=/web") == "0\n"
    assert count("path=/web or path=/api") == "2\n"
    # A log that is given has nothing to do with the target.
    assert count("--log", "service.jsonl") == "3\n"


@pytest.mark.parametrize("command", [[], ["logs"], ["sql", "select 1"]])
def test_a_wrong_one_is_pointed_at(shared: Path, command: list[str]) -> None:
    shared.write_text(TOML.format("level>=loud"))
    result = opsconsole(*command, cwd=shared.parent)
    assert result.returncode == 2
    assert b"opsconsole.toml" in result.stderr
    assert b"       ^^^^\n" in result.stderr
