"""A pipe that nobody reads, or that is slow, stalls nobody who logs, and no line in it is torn."""

import fcntl
import os
import select
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from service.observability import targets
from service.observability.targets import StreamTarget, Turn, write_lines
from service.observability.writer import CAUGHT_UP, LIMIT, LOST, STANDARD_ERROR, Writer
from tests.service.observability.writing import run, start
from tests.support import wait_until

Pipe = tuple[int, int]


@pytest.fixture
def pipe() -> Iterator[Pipe]:
    """To read, and to write."""
    ends = os.pipe()
    yield ends
    for each in ends:
        os.close(each)


def emptied(reader: int, lines: bytearray, until: bytes) -> None:
    """Reads until a line with that in it is there."""
    while until not in lines or not lines.endswith(b"\n"):
        assert select.select([reader], [], [], 20)[0], "nothing more comes"
        lines += os.read(reader, 1 << 20)


def test_full_pipe_costs_who_logs_no_time_and_tells_what_is_missing(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(STANDARD_ERROR, "_is_open", False)
    reader, written = pipe
    before = LOST.lines
    writer = Writer(StreamTarget(written))
    line = b"%07d " + b"x" * 991 + b"\n"
    count = 2 * LIMIT // 1000
    longest = 0.0
    for number in range(count):
        started = time.thread_time()
        writer.write(line % number)
        longest = max(longest, time.thread_time() - started)
    assert longest < 0.05
    wait_until(lambda: LOST.lines > before, "a full queue")
    lines = bytearray()
    emptied(reader, lines, b"were lost")
    writer.write(b"after\n")
    emptied(reader, lines, b"after\n")
    writer.end()
    *kept, after = bytes(lines).splitlines()
    (at,) = [at for at, each in enumerate(kept) if b"were lost" in each]
    assert len(kept) - at < CAUGHT_UP // 1000 + 1
    told = kept.pop(at)
    assert [int(each[:7]) for each in kept] == list(range(len(kept)))
    assert told.startswith(b"ERROR log lines were lost lost=%d " % (count - len(kept)))
    assert b"since=20" in told
    assert after == b"after"
    assert LOST.lines - before == count - len(kept)
    # What may wait, and one batch; no more than that is held in memory.
    assert LIMIT <= len(kept) * 1000 <= LIMIT + (1 << 19)


SPILLING = """
writer = Writer(StreamTarget(1), limit=100_000)
for number in range(400):
    writer.write(b"%03d %s\\n" % (number, b"x" * 995))
STANDARD_ERROR.flush(10)
sys.stdin.read(1)
writer.flush(10)
writer.write(b"after\\n")
"""


def test_what_does_not_fit_goes_to_standard_error(pipe: Pipe, tmp_path: Path) -> None:
    reader, written = pipe
    error = tmp_path / "stderr"
    with error.open("wb") as output:
        process = start(SPILLING, stdin=-1, stdout=written, stderr=output)
    assert process.stdin
    wait_until(lambda: error.exists() and error.read_bytes().count(b"\n") > 100, "lines there")
    process.stdin.write(b"x")
    process.stdin.close()
    read = bytearray()
    emptied(reader, read, b"works again")
    assert process.wait(20) == 0
    lines = bytes(read)
    told, *elsewhere = error.read_bytes().splitlines()
    assert told == (
        b"ERROR log output failed: lines go to standard error reason=it takes no more lines"
    )
    again = [each for each in lines.splitlines() if b"works again" in each]
    assert len(again) == 1
    assert [each for each in elsewhere if b"works again" in each] == again
    here = [int(each[:3]) for each in lines.splitlines() if each[:3].isdigit()]
    there = [int(each[:3]) for each in elsewhere if each[:3].isdigit()]
    assert sorted(here + there) == list(range(400))
    assert b"lost=0 on_standard_error=%d" % len(there) in again[0]


def test_event_loop_turns_while_nobody_reads(pipe: Pipe) -> None:
    """The service's own log, on one pipe for standard output and error."""
    reader, written = pipe
    process = start(
        """
import asyncio
logging.configure(level="info", fmt="json")
async def main():
    worst = 0
    end = time.monotonic() + 1.5
    while time.monotonic() < end:
        for _ in range(100):
            logging.emit(logging.record("INFO", "x" * 3000))
        before = time.monotonic()
        await asyncio.sleep(0)
        worst = max(worst, time.monotonic() - before)
    os.write(3, b"%f" % worst)
os.dup2(int(sys.argv[1]), 3)
asyncio.run(main())
os._exit(0)
""",
        (told := os.pipe())[1],
        stdout=written,
        stderr=subprocess.STDOUT,
        pass_fds=[told[1]],
    )
    os.close(told[1])
    try:
        assert process.wait(20) == 0
        assert float(os.read(told[0], 100)) < 0.5
    finally:
        process.kill()
        os.close(told[0])
    assert os.read(reader, 10)


def test_descriptor_that_does_not_block_is_waited_for(pipe: Pipe) -> None:
    reader, written = pipe
    os.set_blocking(written, False)
    lines = b"".join(b"%06d %s\n" % (number, b"x" * 500) for number in range(2000))
    lines += b"y" * 100_000 + b"\n"
    found = bytearray()
    thread = threading.Thread(target=emptied, args=(reader, found, b"y\n"))
    thread.start()
    write_lines(written, lines, Turn())
    thread.join(20)
    assert bytes(found) == lines


def test_a_pipe_gets_whole_lines_in_pieces_that_stay_whole(
    pipe: Pipe, monkeypatch: pytest.MonkeyPatch
) -> None:
    pieces: list[bytes] = []

    def write(_: int, data: memoryview) -> int:
        pieces.append(bytes(data))
        return len(data)

    lines = b"".join(b"x" * (number * 37 % 900) + b"\n" for number in range(1000))
    with monkeypatch.context() as changed:
        changed.setattr(targets.os, "write", write)
        write_lines(pipe[1], lines, Turn())
    assert b"".join(pieces) == lines
    assert all(each.endswith(b"\n") and len(each) <= targets.PIPE_BUF for each in pieces)
    assert len(pieces) < len(lines) / targets.PIPE_BUF * 1.3


SPEAKER = """
import random
letter = sys.argv[1].encode()
writer = Writer(StreamTarget(1))
for length in random.Random(letter).choices(eval(sys.argv[2]), k=600):
    writer.write(letter * length + b"\\n")
writer.flush(60)
"""


@contextmanager
def lock_held(written: int, reader: int) -> Iterator[None]:
    """By a process that was stopped in the middle of a line."""
    script = (
        "import fcntl; fcntl.lockf(1, fcntl.LOCK_EX); print('held', flush=True); time.sleep(90)"
    )
    process = start(script, stdout=written)
    try:
        emptied(reader, bytearray(), b"held\n")
        yield
    finally:
        process.kill()
        process.wait(10)


@pytest.mark.parametrize("stopped", [False, True], ids=["all run", "one is stopped"])
def test_several_processes_tear_no_line_of_a_pipe(pipe: Pipe, stopped: bool) -> None:
    """Lines of up to 16 KB, four times what the kernel keeps whole; without the lock, up to 4."""
    reader, written = pipe
    lengths = (10, 300, 4000) if stopped else (10, 300, 5000, 15_900)
    found = bytearray()
    with lock_held(written, reader) if stopped else nullcontext():
        processes = [start(SPEAKER, each, lengths, stdout=written) for each in "abcd"]
        ends = 0
        while ends < 4 * 600:
            assert select.select([reader], [], [], 20)[0], "nothing more comes"
            piece = os.read(reader, 3001)
            ends += piece.count(b"\n")
            found += piece
        assert [each.wait(20) for each in processes] == [0] * 4
    lines = bytes(found).splitlines()
    assert Counter(line[:1] for line in lines) == dict.fromkeys((b"a", b"b", b"c", b"d"), 600)
    assert all(line == line[:1] * len(line) and len(line) in lengths for line in lines)


def test_the_lock_is_the_processs_own(pipe: Pipe) -> None:
    """Siblings share the descriptor they inherited, and must not share the lock."""
    fcntl.lockf(pipe[1], fcntl.LOCK_EX)
    done = run(
        "import fcntl\n"
        "try:\n"
        "    fcntl.lockf(1, fcntl.LOCK_EX | fcntl.LOCK_NB)\n"
        "except BlockingIOError:\n"
        "    sys.exit(3)\n",
        stdout=pipe[1],
        check=False,
    )
    assert done.returncode == 3
