"""However a process ends, short of SIGKILL, what it has logged is written, and it does end."""

import os
import signal
import time
from pathlib import Path

import pytest

from tests.service.observability.writing import run, start
from tests.support import wait_until

LOG = """
nowhere = open(os.devnull, "w")
logging.configure(level="info", fmt="json", file=sys.argv[1], stream=nowhere)
def say(event):
    logging.emit(logging.record("INFO", event))
for number in range(5000):
    say(f"line {number}")
"""
ENDS = {
    "returns": ("", 0),
    "raises": ("1 / 0", 1),
    "exits": ("sys.exit(3)", 3),
    "exits in a thread": ("threading.Thread(target=lambda: 1 / 0).start()", 0),
    "exits in a signal handler": (
        """
signal.signal(signal.SIGABRT, lambda *_: sys.exit(4))
threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGABRT]).start()
while True:
    say("more")
""",
        4,
    ),
    "_exit after a flush": ("logging.flush(); os._exit(5)", 5),
    "_exit in a signal handler, after a flush": (
        """
def end(*_):
    say("the end")
    logging.flush()
    os._exit(6)
signal.signal(signal.SIGTERM, end)
threading.Timer(0.05, os.kill, [os.getpid(), signal.SIGTERM]).start()
while True:
    say("more")
    logging.flush()
""",
        6,
    ),
    "logs while it ends": (
        """
import atexit, gc
class Late:
    def __del__(self):
        say("the very end")
late = Late()
atexit.register(say, "late")
""",
        0,
    ),
}


@pytest.mark.parametrize("name", ENDS)
def test_what_was_logged_is_written(tmp_path: Path, name: str) -> None:
    ending, code = ENDS[name]
    log = tmp_path / "log.jsonl"
    done = run(LOG + ending, log, check=False)
    assert done.returncode == code, done.stderr
    text = log.read_text()
    assert text.endswith("\n")
    events = [line.split('"event":"')[1].split('"')[0] for line in text.splitlines()]
    assert events[:5000] == [f"line {number}" for number in range(5000)]
    expected = {"raises": "uncaught exception", "exits in a thread": "uncaught exception"}
    expected["logs while it ends"] = "the very end"
    expected["_exit in a signal handler, after a flush"] = "the end"
    if name in expected:
        assert events[-1] == expected[name]


def test_flush_in_a_signal_handler_meets_no_lock(tmp_path: Path) -> None:
    """A thousand signals, wherever they hit: in `write`, in `flush`, at the start of the thread."""
    script = """
    writer = Writer(FileTarget(sys.argv[1]))
    handled = 0
    def handle(*_):
        global handled
        handled += 1
        writer.write(b"handler\\n")
        writer.flush(20)
    signal.signal(signal.SIGALRM, handle)
    signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
    written = 0
    while handled < 1000:
        if written % 50 == 0:
            if written:
                writer.end()
            writer = Writer(FileTarget(sys.argv[1]))
        writer.write(b"main\\n")
        written += 1
        if written % 7 == 0:
            writer.flush(20)
    signal.setitimer(signal.ITIMER_REAL, 0)
    writer.flush(20)
    print(written, handled)
    """
    log = tmp_path / "log.jsonl"
    done = run(script, log, timeout=50)
    written, handled = map(int, done.stdout.split())
    lines = log.read_bytes().splitlines()
    assert (lines.count(b"main"), lines.count(b"handler")) == (written, handled)


def test_both_sides_of_a_fork_write_their_own_lines_once(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    script = """
    writer = Writer(FileTarget(sys.argv[1]))
    children = []
    for number in range(20):
        for each in range(50):
            writer.write(b"parent %d\\n" % number)
        if not (child := os.fork()):
            writer.write(b"child %d\\n" % number)
            if number % 2:
                writer.flush()
                os._exit(0)
            sys.exit(0)
        children.append(child)
    assert [os.waitpid(child, 0)[1] for child in children] == [0] * 20
    """
    run(script, log)
    lines = log.read_bytes().splitlines()
    for number in range(20):
        assert lines.count(b"parent %d" % number) == 50
        assert lines.count(b"child %d" % number) == 1
    assert len(lines) == 20 * 51


def test_child_does_not_keep_the_parents_file_open(tmp_path: Path) -> None:
    log = tmp_path / "log.jsonl"
    script = """
    writer = Writer(FileTarget(sys.argv[1]))
    writer.write(b"line\\n")
    writer.flush()
    names = lambda: [os.readlink(f"/proc/self/fd/{each}") for each in range(3, 20)
                     if os.path.lexists(f"/proc/self/fd/{each}")]
    assert sys.argv[1] in names()
    if not (child := os.fork()):
        os._exit(sys.argv[1] in names())
    sys.exit(os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]))
    """
    run(script, log)


def test_exit_does_not_wait_for_a_pipe_that_nobody_reads() -> None:
    reader, writer = os.pipe()
    try:
        started = time.monotonic()
        done = run(
            """
writer = Writer(StreamTarget(1))
for number in range(1000):
    writer.write(b"%04d %s\\n" % (number, b"x" * 500))
""",
            stdout=writer,
            stderr=-1,
            timeout=20,
        )
        assert time.monotonic() - started < 15
        os.set_blocking(reader, False)
        piped = os.read(reader, 1 << 20).splitlines()
    finally:
        os.close(reader)
        os.close(writer)
    # What was not in the thread's hands goes to standard error; nothing is in both.
    told = [line for line in done.stderr.splitlines() if line[:4].isdigit()]
    assert not {line[:4] for line in told} & {line[:4] for line in piped}


def test_second_configuration_ends_the_threads_of_the_first(tmp_path: Path) -> None:
    script = """
    for number in range(10):
        logging.configure(level="info", fmt="json", file=sys.argv[1])
        logging.emit(logging.record("INFO", f"line {number}"))
    logging.flush()
    deadline = time.monotonic() + 5
    while len(os.listdir("/proc/self/task")) > 4 and time.monotonic() < deadline:
        time.sleep(0.01)
    print(len(os.listdir("/proc/self/task")), file=sys.stderr)
    """
    done = run(script, tmp_path / "log.jsonl")
    assert int(done.stderr) <= 3 + 1
    assert done.stdout == (tmp_path / "log.jsonl").read_bytes()
    assert len(done.stdout.splitlines()) == 10


def test_kill_loses_only_the_last_moment(tmp_path: Path) -> None:
    """Lines a fiftieth of a second old are in the file, whatever ends the process."""
    log = tmp_path / "log.jsonl"
    process = start(
        """
writer = Writer(FileTarget(sys.argv[1]))
number = 0
while True:
    number += 1
    writer.write(b"%d\\n" % number)
    time.sleep(0.001)
    if number % 500 == 0:
        os.write(1, b"%d\\n" % (number - 250))
""",
        log,
        stdout=-1,
    )
    assert process.stdout
    told = int([process.stdout.readline() for _ in range(3)][-1])
    os.kill(process.pid, signal.SIGKILL)
    process.wait(10)
    process.stdout.close()
    wait_until(log.exists, "the log")
    lines = log.read_bytes().splitlines()
    assert lines == [b"%d" % number for number in range(1, len(lines) + 1)]
    assert len(lines) >= told
