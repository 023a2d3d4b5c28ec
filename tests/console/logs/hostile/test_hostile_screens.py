"""Whatever a log holds, a terminal that shows it is sent printable text and nothing else."""

from pathlib import Path

import pytest

from tests.console.logs.hostile.driving import Console
from tests.console.logs.hostile.files import FILES, NAMES, write
from tests.console.logs.hostile.sent import sequences, text_of, unprintable

pytestmark = pytest.mark.xdist_group("hostile")

# A key is answered at once; this machine may be busy with other tests.
_SECONDS = 2.0
# Megabytes that either may have at most, whatever it reads; and the console while it shows all
# there is in a line of 10 MB.
_CONSOLE, _WORKER, _LONG_LINE = 100, 140, 200


def _is_harmless(console: Console, own: frozenset[str], most: float = _CONSOLE) -> None:
    assert sequences(console.output) <= own
    assert unprintable(console.output) == set()
    assert "Traceback (most recent call last)" not in text_of(console.output)
    assert console.slowest < _SECONDS
    own_memory, *workers = console.megabytes
    assert own_memory < most
    assert max(workers, default=0) < _WORKER


def test_the_logs_screen(short_log: Path, own_sequences: frozenset[str]) -> None:
    with Console(short_log) as console:
        console.page_up(4)
        console.walk()
        assert console.quit() == 0
        _is_harmless(console, own_sequences)


@pytest.mark.long
def test_every_line_on_the_logs_screen(whole_log: Path, own_sequences: frozenset[str]) -> None:
    with Console(whole_log) as console:
        console.page_up(whole_log.read_bytes().count(b"\n") // 30)
        console.walk()
        assert console.quit() == 0
        _is_harmless(console, own_sequences)


@pytest.mark.long
@pytest.mark.parametrize("name", [name for name in FILES if name != "empty"])
def test_logs_of_every_size_and_shape(
    name: str, tmp_path: Path, own_sequences: frozenset[str]
) -> None:
    with Console(write(tmp_path / "large.jsonl", FILES[name]())) as console:
        console.page_up(3)
        console.walk()
        assert console.quit() == 0
        _is_harmless(console, own_sequences, _LONG_LINE if name.startswith("long") else _CONSOLE)


@pytest.mark.parametrize("name", ["empty", "newlines"])
def test_logs_of_nothing(name: str, tmp_path: Path, own_sequences: frozenset[str]) -> None:
    with Console(write(tmp_path / "nothing.jsonl", FILES[name]())) as console:
        console.wait(b"show matches", "/")
        console.search("level>=error\r")
        console.press("g")
        assert console.quit() == 0
        _is_harmless(console, own_sequences)


def test_the_overview_and_its_feed(
    short_log: Path, innocent_log: Path, own_sequences: frozenset[str]
) -> None:
    own = set(own_sequences)
    for log in (innocent_log, short_log):
        # Nobody answers there.
        health = ("--health", "web1=http://127.0.0.1:9/health")
        with Console(log, *health, opened=b"new error") as console:
            console.press("\x1b[6~\x1b[F")
            console.settle()
            console.wait(b"REQUEST OR EVENT", "\r")
            assert console.quit() == 0
        if log is innocent_log:
            own |= sequences(console.output)
        _is_harmless(console, frozenset(own))


def test_names_of_files(tmp_path: Path, own_sequences: frozenset[str]) -> None:
    logs = [write(tmp_path / name, iter([b'{"level":"INFO"}'])) for name in NAMES]
    others = [part for log in logs[1:] for part in ("--log", log.name)]
    with Console(logs[0], *others) as console:
        for log in logs:
            log.unlink()
        console.wait(b"no such file")
        assert console.quit() == 0
        _is_harmless(console, own_sequences)
