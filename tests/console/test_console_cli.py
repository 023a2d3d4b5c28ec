"""The command line, in processes of its own."""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from console.cli import add_target_arguments, target_from
from tests.console.terminal import Terminal

ROOT = Path(__file__).resolve().parents[2]
# What the framework asks of a terminal, and the first screen does not.
_TAKEN_OVER = b"\x1b[?1004h"


def opsconsole(*arguments: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "console", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def test_help_names_every_option(tmp_path: Path) -> None:
    result = opsconsole("--help", cwd=tmp_path)
    assert result.returncode == 0
    for option in ("--health", "--log", "--alembic", "--name", "--environment", "--read-only"):
        assert option in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--health", "nonsense"], "a health URL looks like"),
        (["--alembic", "nowhere"], "no alembic.ini in nowhere"),
        (["--colour"], "unrecognized arguments"),
    ],
)
def test_bad_arguments_are_one_clear_line(
    tmp_path: Path, arguments: list[str], message: str
) -> None:
    result = opsconsole(*arguments, cwd=tmp_path)
    assert result.returncode == 2
    assert message in result.stderr.splitlines()[-1]
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize("folder", [".", "scripts"])
def test_alembics_folder_may_be_either_of_the_two(
    tmp_path: Path, alembic_project: Any, folder: str
) -> None:
    parser = argparse.ArgumentParser()
    add_target_arguments(parser)
    options = parser.parse_args(["--alembic", str(alembic_project.folder / folder)])
    target = target_from(options, tmp_path)
    assert target.alembic is not None
    assert (target.alembic / "alembic.ini").is_file()


def test_a_broken_toml_is_one_clear_line(tmp_path: Path) -> None:
    (tmp_path / "opsconsole.toml").write_text("[target.a]\nlog = [\n")
    result = opsconsole(cwd=tmp_path)
    assert result.returncode == 2
    assert result.stderr.startswith("opsconsole: opsconsole.toml line ")
    assert len(result.stderr.splitlines()) == 1


def test_a_screen_can_be_drawn_without_a_terminal(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"level":"INFO","event":"drawn"}\n')
    environ = os.environ | {"PYTHONPATH": str(ROOT)}
    arguments = ["--screen", "logs", "--size", "80x24", "--out", "a.svg", "--log", "a.jsonl"]
    command = [sys.executable, "-m", "tools.screenshot", *arguments]
    subprocess.run(command, cwd=tmp_path, env=environ, timeout=60, check=True)
    picture = (tmp_path / "a.svg").read_text("utf-8")
    assert "drawn" in picture
    assert "url(http" not in picture.replace('"', "")


def test_it_wants_a_terminal(tmp_path: Path) -> None:
    result = opsconsole(cwd=tmp_path)
    assert result.returncode == 2
    assert "must be a terminal" in result.stderr


def test_help_does_not_wait_for_the_framework(tmp_path: Path) -> None:
    code = "import sys, console.cli; sys.exit('textual' in sys.modules or 'httpx' in sys.modules)"
    result = subprocess.run(
        [sys.executable, "-c", code],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        timeout=30,
        check=False,
    )
    assert result.returncode == 0


def test_without_textual_it_says_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['textual'] = None; from console.cli import main; main([])"
    result = subprocess.run(
        [sys.executable, "-c", f"{code}\nsys.exit(2)"],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert result.stderr == "opsconsole: install quartermaster[console]\n"


def test_a_logged_escape_does_not_rename_the_terminal(tmp_path: Path) -> None:
    log = tmp_path / "hostile.jsonl"
    log.write_text(
        '{"level":"ERROR","event":"before \\u001b]0;pwned\\u0007 after"}\n'
        "raw \x1b]0;pwned\x07 \x1b[31m\u202e \x9b31m\n"
        '{"request_id":"\\u001b]2;pwned\\u0007","path":"\\u001b]0;pwned\\u0007","status":500}\n',
        "utf-8",
    )
    with Terminal([sys.executable, "-m", "console", "--log", log.name], tmp_path) as terminal:
        terminal.until(_TAKEN_OVER)
        first_screen = terminal.output.partition(_TAKEN_OVER)[0]
        terminal.press("1")
        terminal.until(b"What changed")
        drawn = terminal.output.count(b" following")
        terminal.press("2")
        terminal.until(b" following", count=drawn + 1)
        terminal.press("/")
        terminal.until(b"show matches")
        terminal.press("pwned\r")
        terminal.until(b"3 matches")
        terminal.press("\r")
        terminal.until(b"One line")
        shown = terminal.output.count(b"3 matches")
        terminal.press("q")
        terminal.until(b"3 matches", count=shown + 1)
        terminal.press("q")
        assert terminal.end() == 0
    output = terminal.output
    assert first_screen.count(rb"\x1b]0;pwned\x07") >= 3
    assert rb"\x1b]0;pwned\x07" in output
    assert b"\x1b]0;pwned" not in output
    assert b"\x1b]2;" not in output
    assert "\u202e".encode() not in output
    assert "\x9b".encode() not in output
