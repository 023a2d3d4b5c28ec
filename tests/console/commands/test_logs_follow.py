"""`opsconsole logs -f`: the newest lines first, then every new one once, whatever rotates."""

import json
import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue

import pytest

from tests.console.commands.processes import line, opsconsole, start


class Followed:
    """A running `logs -f` whose lines are read as they come."""

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self.process = process
        self.errors = b""
        self._lines: Queue[bytes] = Queue()
        self._thread = threading.Thread(target=self._read)
        self._thread.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for each in self.process.stdout:
            self._lines.put(each)

    def next(self, count: int, limit: float = 10.0) -> list[str]:
        """What the next lines say."""
        deadline = time.monotonic() + limit
        found = []
        while len(found) < count:
            told = json.loads(self._lines.get(timeout=max(deadline - time.monotonic(), 0.01)))
            found.append(told.get("event", told.get("text")))
        return found

    def silent(self, seconds: float) -> bool:
        """Whether no line comes for so long."""
        try:
            self._lines.get(timeout=seconds)
        except Empty:
            return True
        return False

    def stop(self) -> bytes:
        """Interrupt it; what it said on standard error."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGINT)
        self.process.wait(10)
        self._thread.join(10)
        for pipe in (self.process.stdout, self.process.stderr):
            assert pipe is not None
            if pipe is self.process.stderr and not pipe.closed:
                self.errors = pipe.read()
            pipe.close()
        return self.errors


@pytest.fixture
def follow(tmp_path: Path) -> Iterator[Callable[..., Followed]]:
    started: list[Followed] = []

    def begin(*arguments: str | Path) -> Followed:
        started.append(Followed(start("logs", "--follow", *arguments, cwd=tmp_path)))
        return started[-1]

    yield begin
    for each in started:
        each.stop()


def append(path: Path, *texts: str) -> None:
    with path.open("ab") as file:
        file.write(b"".join(line(event=text) for text in texts))


def test_the_newest_then_the_new(tmp_path: Path, follow: Callable[..., Followed]) -> None:
    path = tmp_path / "a.jsonl"
    append(path, *(f"old {n}" for n in range(30)))
    followed = follow("--log", path)
    assert followed.next(10) == [f"old {n}" for n in range(20, 30)]
    append(path, "new")
    assert followed.next(1) == ["new"]


def test_none_is_lost_or_twice_through_rotations(
    tmp_path: Path, follow: Callable[..., Followed]
) -> None:
    path = tmp_path / "a.jsonl"
    append(path, "0")
    followed = follow("--log", path, "-n", "1")
    assert followed.next(1) == ["0"]
    for n in range(1, 351):
        if n % 50 == 0:
            path.rename(tmp_path / f"a.jsonl.{n}")
        append(path, str(n))
        if n % 7 == 0:
            assert followed.next(7) == [str(m) for m in range(n - 6, n + 1)]
    assert followed.silent(0.3)


def test_lines_written_while_it_starts_come_once(
    tmp_path: Path, follow: Callable[..., Followed]
) -> None:
    path = tmp_path / "a.jsonl"
    append(path, "0")
    stopped = threading.Event()
    written = 1

    def write() -> None:
        nonlocal written
        with path.open("ab", buffering=0) as file:
            while not stopped.wait(0.0005):
                file.write(line(event=str(written)))
                written += 1

    writer = threading.Thread(target=write)
    writer.start()
    try:
        followed = follow("--log", path, "-n", "5")
        first = followed.next(200)
    finally:
        stopped.set()
        writer.join()
    begin = int(first[0])
    assert first + followed.next(written - begin - 200) == [str(n) for n in range(begin, written)]


def test_a_line_is_out_at_once(tmp_path: Path, follow: Callable[..., Followed]) -> None:
    path = tmp_path / "a.jsonl"
    append(path, "begin")
    followed = follow("--log", path)
    followed.next(1)
    lags = []
    for n in range(30):
        append(path, str(n))
        written = time.monotonic()
        assert followed.next(1) == [str(n)]
        lags.append(time.monotonic() - written)
    assert sorted(lags)[15] < 0.1


def test_the_filter_and_its_context_hold_for_new_lines(
    tmp_path: Path, follow: Callable[..., Followed]
) -> None:
    path = tmp_path / "a.jsonl"
    append(path, "old match", "old")
    followed = follow("--log", path, "match", "-C", "1")
    assert followed.next(1) == ["old match"]
    append(path, "1", "2", "a match", "3", "4")
    assert followed.next(3) == ["2", "a match", "3"]
    append(path, "5", "another match")
    assert followed.next(2) == ["5", "another match"]


def test_a_file_is_waited_for(tmp_path: Path, follow: Callable[..., Followed]) -> None:
    (tmp_path / "logs").mkdir()
    followed = follow("--log", "later.jsonl", "--log", "logs")
    append(tmp_path / "later.jsonl", "later")
    assert followed.next(1) == ["later"]
    append(tmp_path / "logs/joined.jsonl", "joined")
    assert followed.next(1) == ["joined"]


def test_every_file_of_a_folder_is_taken_up_where_it_ends(
    tmp_path: Path, follow: Callable[..., Followed]
) -> None:
    (tmp_path / "logs").mkdir()
    for name in ("a", "b"):
        append(tmp_path / f"logs/{name}.jsonl", *(f"old {name}{n}" for n in range(3)))
    followed = follow("--log", "logs", "-n", "2")
    assert sorted(followed.next(2)) == ["old b1", "old b2"]
    append(tmp_path / "logs/a.jsonl", "new a")
    assert followed.next(1) == ["new a"]
    append(tmp_path / "logs/b.jsonl", "new b")
    assert followed.next(1) == ["new b"]


def test_a_truncated_file_is_told_of(tmp_path: Path, follow: Callable[..., Followed]) -> None:
    path = tmp_path / "a.jsonl"
    append(path, *(f"old {n}" for n in range(20)))
    followed = follow("--log", path, "-n", "1")
    assert followed.next(1) == ["old 19"]
    path.write_bytes(line(event="after"))
    assert followed.next(1) == ["after"]
    # It is told within half a second; the process is asked only after that.
    append(path, "and on")
    assert followed.next(1) == ["and on"]
    assert followed.silent(0.7)
    assert b"a.jsonl: truncated in place" in followed.stop()


def test_standard_input_ends_it(tmp_path: Path) -> None:
    shown = opsconsole("logs", "-f", "--log", "-", "b", cwd=tmp_path, given=b"a\nb\nc")
    assert (shown.returncode, shown.stdout, shown.stderr) == (0, b'{"text":"b"}\n', b"")


def test_a_reader_that_leaves_ends_it_though_nothing_is_written(tmp_path: Path) -> None:
    append(tmp_path / "a.jsonl", "only")
    process = start("logs", "-f", "--log", "a.jsonl", cwd=tmp_path)
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.readline()
    process.stdout.close()
    assert process.wait(10) == 128 + signal.SIGPIPE
    with process.stderr as errors:
        assert errors.read() == b""


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP, signal.SIGINT])
def test_a_signal_ends_all_that_was_started(tmp_path: Path, number: signal.Signals) -> None:
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    command = "cmd: sh -c 'echo $$; while :; do sleep 0.05; done'"
    process = start("logs", "-f", "--log", command, cwd=tmp_path, TMPDIR=str(temporary))
    assert process.stdout is not None
    started = int(json.loads(process.stdout.readline())["text"])
    assert list(temporary.iterdir())
    process.send_signal(number)
    output, errors = process.communicate(timeout=10)
    assert (process.returncode, output, errors) == (128 + number, b"", b"")
    assert not list(temporary.iterdir())
    with pytest.raises(ProcessLookupError):
        os.kill(started, 0)
