"""tmux, a real terminal, has the title, the modes and the size that it had before."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.console.logs.hostile.fragments import TITLE
from tests.support import ROOT, environment, wait_until

pytestmark = [
    pytest.mark.xdist_group("hostile"),
    pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here"),
]

Tmux = Callable[..., str]

# What a program can change of a terminal, as far as tmux tells.
_STATE = " ".join(
    f"#{{{name}}}"
    for name in (
        *("pane_title", "window_name", "alternate_on", "cursor_flag", "insert_flag", "origin_flag"),
        *("wrap_flag", "keypad_flag", "keypad_cursor_flag", "mouse_any_flag", "mouse_sgr_flag"),
        *("scroll_region_upper", "scroll_region_lower", "pane_width", "pane_height", "pane_tabs"),
        *("buffer_sample", "window_bell_flag", "pane_path"),
    )
)


@pytest.fixture
def tmux(short_log: Path, tmp_path: Path) -> Iterator[Tmux]:
    """A terminal with a shell in the folder of the log; runs tmux's commands."""

    def run(*arguments: str) -> str:
        done = subprocess.run(
            ["tmux", "-f", "/dev/null", "-S", str(tmp_path / "tmux"), *arguments],
            cwd=short_log.parent,
            env=environment(PYTHONPATH=str(ROOT), TERM="xterm-256color", LANG="C.UTF-8"),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout

    run("new-session", "-d", "-x", "100", "-y", "30", "env", "PS1=prompt:", "sh")
    run("set-option", "-g", "automatic-rename", "off")
    run("set-option", "-g", "allow-rename", "on")
    wait_until(lambda: "prompt:" in run("capture-pane", "-p"), "a prompt")
    yield run
    run("kill-server")


def _state(tmux: Tmux) -> str:
    return tmux("display-message", "-p", _STATE)


def _run(tmux: Tmux, command: str, until: str) -> None:
    tmux("send-keys", f"clear; {command}; echo code $?", "Enter")
    wait_until(lambda: until in tmux("capture-pane", "-p"), f"{until} of {command}", 30)


def test_title_and_modes(tmux: Tmux) -> None:
    before = _state(tmux)
    console = f"{sys.executable} -m console"
    _run(tmux, f"{console} --log short.jsonl", " following")
    during = _state(tmux)
    for _ in range(12):
        tmux("send-keys", "PPage")
        assert _state(tmux) == during
    tmux("send-keys", "q")
    wait_until(lambda: "code 0" in tmux("capture-pane", "-p"), "the end")
    assert _state(tmux) == before
    for command in ("", "--json --stats"):
        _run(tmux, f"{console} logs {command} --log short.jsonl", "code 0")
        assert _state(tmux) == before
    # It would have been seen.
    tmux("send-keys", "cat short.jsonl", "Enter")
    wait_until(lambda: TITLE in _state(tmux), "what the log does to a terminal")
