"""A program in a terminal is seen, answered, measured and ended, whatever it does."""

import sys
import time
from pathlib import Path

import psutil
import pytest

from benchmarks.logs.terminal import LateError, Terminal
from benchmarks.logs.viewers import shows
from tests.support import wait_until

ECHO = """
import sys, tty
tty.setraw(0)
print("ready", end="\\r\\n", flush=True)
while key := sys.stdin.read(1):
    print("<", key, ">", sep="", end="", flush=True)
"""
STUBBORN = """
import os, signal, subprocess, sys, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGHUP, signal.SIG_IGN)
child = subprocess.Popen(["sleep", "60"])
print(f"child {child.pid}.", flush=True)
time.sleep(60)
"""


def python(code: str) -> list[str]:
    """What runs it."""
    return [sys.executable, "-c", code]


def descriptors() -> int:
    """How many files this process has open."""
    return len(list(Path("/proc/self/fd").iterdir()))


def test_a_key_is_answered_and_the_moment_is_that_of_the_screen() -> None:
    with Terminal(python(ECHO)) as terminal:
        ready = terminal.wait(shows("ready"), 10)
        assert terminal.launched < ready < time.perf_counter()
        seen = terminal.watch(shows("<b>"))
        assert 0 < terminal.answer("a", shows("<a>"), 10) < 10
        assert not seen.at
        begun = terminal.press("b")
        terminal.wait(shows("<b>"), 10)
        assert begun < seen.at < time.perf_counter()
        other = terminal.watch(shows("<d>"))
        terminal.answer("c", shows("<c>"), 10)
        assert seen.at
        assert not other.at


def test_what_is_not_there_any_more_has_not_been_seen() -> None:
    code = "input(); print('\\x1b[2J\\x1b[H7 matches'); input(); print('\\x1b[H7 matches, 9 %')"
    with Terminal(python(f"{code}; input(); print('\\x1b[H9 matches     '); input()")) as terminal:
        complete = terminal.watch(lambda screen: "matches " in screen.text)
        for key, text in (("a", "7 matches"), ("b", "9 %"), ("c", "9 matches")):
            pressed = terminal.press(f"{key}\r")
            terminal.wait(shows(text), 10)
            assert bool(complete.at) == (key != "b")
        assert complete.at > pressed


def test_a_screen_that_does_not_come_is_late_and_so_is_one_of_a_program_that_ended() -> None:
    with Terminal(python("input()")) as terminal:
        with pytest.raises(LateError):
            terminal.wait(shows("never"), 0.2)
        terminal.press("\r")
        with pytest.raises(LateError):
            terminal.wait(shows("never"), 60)


def test_every_frame_is_there_to_be_looked_at_later() -> None:
    counting = "for n in range(500): print(f'\\x1b[Hn={n}.', end='', flush=True)"
    with Terminal(python(f"{counting}\ninput()")) as terminal:
        wait_until(lambda: terminal.sent and b"n=499." in terminal.sent[-1].text, "the last one")
        moments = [at for at, _ in terminal.frames()]
        assert moments == sorted(moments)
        assert "n=499." in terminal.screen.text


def test_the_terminal_is_the_programs_own(tmp_path: Path) -> None:
    code = (
        "import os; print(os.get_terminal_size(), os.ttyname(os.open('/dev/tty', 0)), os.getcwd())"
    )
    with Terminal(python(code), folder=tmp_path) as terminal:
        terminal.wait(shows("columns=120, lines=40"), 10)
        terminal.wait(shows("/dev/"), 10)
        terminal.wait(shows(str(tmp_path)[:60]), 10)


def test_settled_is_when_nothing_is_computed_any_more() -> None:
    code = "import time\nend = time.time() + 0.7\nwhile time.time() < end: pass\ninput()"
    with Terminal(python(code)) as terminal:
        assert terminal.settle(10) - terminal.launched > 0.6
        assert terminal.cpu_seconds() > 0.1
        every, own = terminal.megabytes()
        assert every == own > 1


def test_never_settled_is_late() -> None:
    with Terminal(python("while True: pass")) as terminal, pytest.raises(LateError):
        terminal.settle(1)


def test_nothing_is_left_running() -> None:
    with Terminal(python(STUBBORN)) as terminal:
        terminal.wait(shows("."), 10)
        child = int(terminal.screen.text.split("child ")[1].split(".")[0])
        assert {process.pid for process in terminal.family()} >= {child}
        every, own = terminal.megabytes()
        assert every > own
        before = descriptors()
    assert not psutil.pid_exists(child) or psutil.Process(child).status() == "zombie"
    assert terminal.family() == []
    assert descriptors() == before - 2
