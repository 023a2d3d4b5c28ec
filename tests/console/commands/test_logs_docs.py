"""docs/logs.md is true: its examples give what it says, and it names every option."""

import re
import shlex
from pathlib import Path

import pytest

from console.commands import logs, sql
from console.commands.arguments import wanted
from console.commands.contract import COLUMNS
from tests.console.commands.processes import on_terminal
from tests.support import ROOT

PAGE = (ROOT / "docs/logs.md").read_text("utf-8")
BLOCKS = {
    kind: re.findall(rf"(?s)```{kind}\n(.*?)```", PAGE) for kind in ("jsonl", "console", "sh")
}
EXAMPLES = [
    (shlex.split(command), shown)
    for block in BLOCKS["console"]
    for command, shown in re.findall(r"(?m)^\$ (.*)\n((?:[^$].*\n|\n)*)", block)
]


@pytest.mark.parametrize(("command", "shown"), EXAMPLES, ids=lambda value: " ".join(value)[:40])
def test_an_example_gives_what_the_page_says(
    tmp_path: Path, command: list[str], shown: str
) -> None:
    (tmp_path / "a.jsonl").write_text(BLOCKS["jsonl"][0])
    (tmp_path / "opsconsole.toml").write_text('[target.a]\nlog = "a.jsonl"\n')
    program, *arguments = command
    assert program == "opsconsole"
    code, found = on_terminal(*arguments, cwd=tmp_path, columns=100, NO_COLOR="1")
    assert found == shown
    assert code == 0


def test_enough_examples_are_found_on_the_page() -> None:
    assert len(EXAMPLES) >= 11
    assert len(BLOCKS["sh"]) == 2


def test_every_other_command_is_understood() -> None:
    commands = re.findall(
        r"""opsconsole (logs|sql) ((?:'[^']*'|"[^"]*"|[^|>;\n'"])*)""", "".join(BLOCKS["sh"])
    )
    assert len(commands) == 5
    for name, text in commands:
        options = {"logs": logs, "sql": sql}[name]._parser().parse_args(shlex.split(text))
        wanted(options.filter if name == "logs" else [options.filter])


def test_every_option_and_column_is_on_the_page() -> None:
    for parser in (logs._parser(), sql._parser()):
        for action in parser._actions:
            names = [name for name in action.option_strings if name not in {"-h", "--help"}]
            # The target's name is the console's own matter.
            assert not names or "--name" in names or any(name in PAGE for name in names), names
    for column in (*COLUMNS, "source", "raw"):
        assert f"`{column}`" in PAGE
