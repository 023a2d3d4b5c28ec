"""A command that is started again does not show again what it showed before, and hides nothing."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.sources.block import Block
from console.logs.sources.command import CommandSource
from console.logs.sources.replay import Replay
from tests.console.logs.sources.following import texts
from tests.support import wait_until


def run(replay: Replay, lines: list[bytes], size: int = 7) -> list[bytes]:
    """One run of a command, from its start, in blocks of `size` lines."""
    replay.restart()
    given_: list[bytes] = []
    for at in range(0, len(lines), size):
        data = b"".join(line + b"\n" for line in lines[at : at + size])
        given_ += texts(replay.new([Block(data, "", len(data), 0)]))
    return given_


def numbered(*numbers: int) -> list[bytes]:
    return [b"line %d" % number for number in range(*numbers)]


@given(st.integers(1, 120), st.integers(0, 10), st.integers(0, 30), st.integers(1, 50))
def test_a_tail_is_joined_to_what_was_seen(seen: int, again: int, new: int, size: int) -> None:
    replay = Replay()
    assert run(replay, numbered(seen)) == numbered(seen)
    begin = max(seen - again, 0)
    assert run(replay, numbered(begin, seen + new), size) == numbered(seen, seen + new)


@given(st.integers(1, 120), st.integers(0, 30), st.integers(1, 50), st.integers(0, 120))
def test_a_whole_replay_is_left_out(seen: int, new: int, size: int, cut: int) -> None:
    replay = Replay()
    assert run(replay, numbered(seen)) == numbered(seen)
    # Cut off in the middle of its repetition, it begins once more.
    assert run(replay, numbered(min(cut, seen)), size) == []
    assert run(replay, numbered(seen + new), size) == numbered(seen, seen + new)
    assert run(replay, numbered(seen + new + 1), size) == numbered(seen + new, seen + new + 1)


def test_more_than_is_remembered_is_left_out() -> None:
    replay = Replay()
    assert len(run(replay, numbered(100_000), 1_000)) == 100_000
    assert run(replay, numbered(100_003), 1_000) == numbered(100_000, 100_003)
    assert replay.repeated == 100_000
    assert replay._size < 600_000


@pytest.mark.parametrize(
    ("again", "new"),
    [
        (numbered(200, 230), numbered(200, 230)),
        ([b"heading", *numbered(95, 103)], numbered(100, 103)),
        ([b"heading", *numbered(300, 303)], numbered(300, 303)),
        ([b"heading"], []),
    ],
)
def test_what_is_new_is_shown(again: list[bytes], new: list[bytes]) -> None:
    replay = Replay()
    run(replay, [b"heading", *numbered(100)])
    assert run(replay, again) == new


def test_lines_that_are_all_alike_are_not_taken_for_a_replay() -> None:
    replay = Replay()
    run(replay, [b"tick"] * 50)
    assert len(run(replay, [b"tick"] * 50)) == 49


def test_a_real_command_goes_on() -> None:
    now = [0.0]
    script = "cat /proc/sys/kernel/ostype /proc/version; date +%s.%N; exit 1"
    source = CommandSource(("sh", "-c", script), clock=lambda: now[0])
    lines: list[bytes] = []
    try:
        for turn in range(3):
            wait_until(lambda: lines.extend(texts(source.poll())) or source.news, "the end")
            assert len(lines) == 3 + turn
            now[0] += 60
            assert "2 lines came again" in source.news.popleft() or turn == 0
            source.news.clear()
    finally:
        source.close()
