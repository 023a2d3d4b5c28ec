"""A command's lines come as it writes them; a dead one is started again, a stopped one is gone."""

import os
import signal
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest

from console.logs import follower
from console.logs.follower import Follower
from console.logs.sources.command import CommandSource
from console.targets import Command
from tests.console.logs.sources.following import Clock, texts
from tests.support import wait_until

Start = Callable[..., CommandSource]


@pytest.fixture
def start(clock: Clock) -> Iterator[Start]:
    """Makes sources of shell commands; all are stopped at the end."""
    sources: list[CommandSource] = []

    def make(*argv: str) -> CommandSource:
        sources.append(CommandSource(argv if len(argv) > 1 else ("sh", "-c", *argv), clock=clock))
        return sources[-1]

    yield make
    for source in sources:
        source.close()


def lines_of(source: CommandSource, count: int) -> list[bytes]:
    found: list[bytes] = []

    def come() -> bool:
        found.extend(texts(source.poll()))
        return len(found) >= count

    wait_until(come, f"{count} lines")
    return found


def test_its_lines_come_and_its_last_word_is_the_state(start: Start) -> None:
    source = start("echo trying >&2; echo connection refused >&2; exec sleep 60")
    wait_until(lambda: source.poll() or source.state == "connection refused", "the complaint")
    source = start("echo defaulted container >&2; printf 'one\\ntwo\\nhal'; sleep 60")
    assert lines_of(source, 2) == [b"one", b"two"]
    assert source.state == ""


def test_it_is_started_again_later_and_later(start: Start, clock: Clock) -> None:
    source = start("printf 'unfinished'; echo no route >&2; exit 255")
    assert lines_of(source, 1) == [b"unfinished"]
    wait_until(lambda: not source.poll() and source.state, "the end")
    pauses = []
    for _ in range(8):
        wait_until(lambda: source.poll() is None or "again in" in source.state, "the end")
        news = source.news.pop()
        assert news.startswith("ended with exit code 255: no route; starts again in ")
        assert source.state.startswith("ended with exit code 255: no route; again in ")
        pauses.append(source._again_at - clock.now)
        clock.now = source._again_at - 0.01
        assert source.poll() == []
        assert source.waitable is None
        clock.now = source._again_at
        source.poll()
    for pause, nominal in zip(pauses, (1, 2, 4, 8, 16, 30, 30, 30), strict=True):
        assert 0.8 * nominal <= pause <= 1.2 * nominal
    assert len(set(pauses)) == 8


def test_after_a_long_run_it_is_soon_started_again(
    start: Start, clock: Clock, tmp_path: Path
) -> None:
    sound = tmp_path / "sound"
    source = start(f"test -e {sound} || exit 3; echo up; exec sleep 60")
    for _ in range(4):
        wait_until(lambda: not source.poll() and source.waitable is None, "the end")
        wait_until(lambda: not source.poll() and source._run is None, "the end")
        clock.now = source._again_at
    assert clock.now > 8
    sound.touch()
    assert lines_of(source, 1) == [b"up"]
    clock.now += 31
    assert source._run is not None
    os.killpg(source._run._process.pid, signal.SIGKILL)
    wait_until(lambda: not source.poll() and source._run is None, "the end")
    assert source._again_at - clock.now <= 1.2


def test_what_cannot_be_started_says_so(start: Start) -> None:
    source = start("/nonexistent/kubectl", "logs")
    assert source.poll() == []
    assert source.state.startswith("cannot be started: no such file or directory; again in 1 s")


def test_a_command_that_closes_its_output_is_ended(start: Start, clock: Clock) -> None:
    source = start("exec >&-; sleep 60")
    wait_until(lambda: source.poll() is None or source.waitable is None, "the end of the output")
    clock.now += 2
    wait_until(lambda: not source.poll() and source.news, "the end")
    assert "killed by signal 9" in source.news[0]


def descendants() -> set[int]:
    return {child.pid for child in psutil.Process().children(recursive=True)}


def test_stopping_ends_everything_it_started(start: Start, tmp_path: Path) -> None:
    before = descendants()
    pids = tmp_path / "pids"
    script = f"trap '' TERM; sleep 60 & echo $! >{pids}; echo up; sleep 60; sleep 60"
    source = start(script)
    assert lines_of(source, 1) == [b"up"]
    (group,) = (
        descendants()
        - before
        - {int(pids.read_text())}
        - {child.pid for child in psutil.process_iter() if child.name() == "sleep"}
    )
    assert os.getpgid(group) == group != os.getpgid(0)
    source.close()
    wait_until(lambda: descendants() <= before, "the end of the processes")
    wait_until(lambda: not psutil.pid_exists(int(pids.read_text())), "the end of the child")


def test_a_flood_on_standard_error_blocks_nothing(start: Start) -> None:
    source = start("head -c 3000000 /dev/zero | tr '\\0' e >&2; echo; echo done; sleep 60")
    assert lines_of(source, 2) == [b"", b"done"]


def test_the_follower_is_woken_by_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(follower, "_IDLE_SECONDS", 5.0)
    monkeypatch.setattr(follower, "_IDLE_AFTER_SECONDS", 0.0)
    program = "import time\nfor _ in range(20): time.sleep(.05); print(time.time(), flush=True)"
    following = Follower([Command((sys.executable, "-c", program))])
    following.start()
    lags: list[float] = []
    try:
        for _ in range(10):
            (line,) = texts(following.take(1, timeout=5.0))
            lags.append(time.time() - float(line))
    finally:
        following.stop()
    assert sorted(lags)[5] < 0.05
