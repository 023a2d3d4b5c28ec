"""A file that cannot be written sends its lines to standard error, says so once, and gets the next
ones as soon as it can be written again; a line cut by a full disk takes no other with it."""

import json
import os
import resource
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from service.observability import targets
from service.observability.targets import FileTarget, Turn, Unwritten, write_lines
from tests.service.observability.writing import command, run
from tests.support import ROOT

# What is done to the log in the middle, and undone: `fail()` and `heal()`, before this.
FAILING = """
logging.configure(level="info", fmt="json", file=sys.argv[1], stream=open("/dev/null", "w"))
nowhere = logging._outputs.pop(0)
def say(*numbers):
    for number in numbers:
        logging.emit(logging.record("INFO", f"line {number}", filling="x" * 500))
    logging.flush(20)
say(1, 2, 3)
fail()
say(*range(4, 300))
say(300)
heal()
time.sleep(1.1)
say(301)
say(302)
"""
FAULTS = {
    "disk full": """
import resource
limits = resource.getrlimit(resource.RLIMIT_FSIZE)
fail = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (5000, limits[1]))
heal = lambda: resource.setrlimit(resource.RLIMIT_FSIZE, limits)
""",
    "folder becomes a file": """
folder = os.path.dirname(sys.argv[1])
def fail():
    os.rename(folder, folder + ".away")
    open(folder, "w").close()
def heal():
    os.unlink(folder)
    os.rename(folder + ".away", folder)
""",
    "a folder in its place": """
def fail():
    os.rename(sys.argv[1], sys.argv[1] + ".away")
    os.mkdir(sys.argv[1])
def heal():
    os.rmdir(sys.argv[1])
    os.rename(sys.argv[1] + ".away", sys.argv[1])
""",
    "permission denied": """
os.chmod(os.path.dirname(sys.argv[1]), 0o777)
if os.geteuid() == 0:
    os.setegid(65534); os.seteuid(65534)
def fail():
    os.rename(sys.argv[1], sys.argv[1] + ".away")
    open(sys.argv[1], "w").close()
    os.chmod(sys.argv[1], 0)
def heal():
    os.rename(sys.argv[1] + ".away", sys.argv[1])
""",
    "too many open files": """
import resource
limits = resource.getrlimit(resource.RLIMIT_NOFILE)
def fail():
    os.rename(sys.argv[1], sys.argv[1] + ".away")
    resource.setrlimit(resource.RLIMIT_NOFILE, (3, limits[1]))
def heal():
    os.rename(sys.argv[1] + ".away", sys.argv[1])
    resource.setrlimit(resource.RLIMIT_NOFILE, limits)
""",
}


def events(text: bytes) -> list[str]:
    """Those of lines that are all valid."""
    return [json.loads(line)["event"] for line in text.splitlines()]


def check(log: Path, error: bytes) -> None:
    """Every line once, in one of the two; both say when it began and ended."""
    here, there = events(log.read_bytes()), events(error)
    began = "log output failed: lines go to standard error"
    ended = "log output works again"
    assert (there.count(began), there.count(ended), here.count(ended)) == (1, 1, 1)
    assert (there[0], there[-1]) == (began, ended)
    numbers = [int(each.split()[1]) for each in here + there if each.startswith("line")]
    assert sorted(numbers) == list(range(1, 303))
    assert here[0] == "line 1"
    assert {"line 301", "line 302"} < set(here)
    assert "line 300" in there


@pytest.fixture
def log() -> Iterator[Path]:
    """In a folder that every user may enter, as `tmp_path` is not."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        logs = Path(folder) / "logs"
        logs.mkdir()
        yield logs / "log.jsonl"


@pytest.mark.parametrize("fault", FAULTS)
def test_lines_go_to_standard_error_meanwhile(log: Path, fault: str) -> None:
    done = run(FAULTS[fault] + FAILING, log)
    check(log, done.stderr)


def test_deleted_folder_is_made_again(log: Path) -> None:
    script = (
        f"import shutil\nfail = lambda: shutil.rmtree({str(log.parent)!r})\nheal = lambda: None\n"
    )
    done = run(script + FAILING, log)
    assert done.stderr == b""
    assert events(log.read_bytes()) == [f"line {number}" for number in range(4, 303)]


def test_real_disk_that_is_full(log: Path) -> None:
    """A file system of 64 KB, filled by something else."""
    unshare, mount = shutil.which("unshare"), shutil.which("mount")
    probe = ["unshare", "-rm", "mount", "-t", "tmpfs", "-o", "size=64k", "none", str(log.parent)]
    if (
        not (unshare and mount)
        or subprocess.run(probe, capture_output=True, check=False).returncode
    ):
        pytest.skip("this machine mounts no file system for an ordinary user")
    script = f"""
import subprocess
subprocess.run({probe[2:]!r}, check=True)
other = os.path.join(os.path.dirname(sys.argv[1]), "other")
def fail():
    with open(other, "wb", buffering=0) as file:
        while os.statvfs(other).f_bfree > 3:
            file.write(b"x" * 4096)
heal = lambda: os.unlink(other)
"""
    after = "\nlogging.flush()\nsys.stdout.buffer.write(open(sys.argv[1], 'rb').read())\n"
    done = subprocess.run(
        [unshare, "-rm", *command(script + FAILING + after, log)],
        cwd=ROOT,
        capture_output=True,
        timeout=30,
        check=True,
    )
    copy = log.with_name("copy")
    copy.write_bytes(done.stdout)
    # Some fitted before it was full, so that one line was cut, and is whole in the other place.
    assert events(done.stdout).index("log output works again") > 3
    check(copy, done.stderr)


def test_cut_line_of_one_process_does_not_swallow_that_of_another(tmp_path: Path) -> None:
    path = tmp_path / "log"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    lines = [b"%d %s\n" % (number, b"x" * 300) for number in range(10)]
    target = FileTarget(str(path))
    resource.setrlimit(resource.RLIMIT_FSIZE, (1000, limits[1]))
    try:
        with pytest.raises(Unwritten) as raised:
            target.write(b"".join(lines), None)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    assert raised.value.rest == b"".join(lines[3:])
    other = os.open(path, os.O_WRONLY | os.O_APPEND)
    os.write(other, b"of another program\n")
    os.close(other)
    assert path.read_bytes() == b"".join(lines[:3]) + b"of another program\n"


def test_line_that_a_killed_process_left_unfinished_is_ended(tmp_path: Path) -> None:
    path = tmp_path / "log"
    path.write_bytes(b"whole\nunfin")
    target = FileTarget(str(path))
    for _ in range(2):
        target.write(b"next\n", None)
    assert path.read_bytes() == b"whole\nunfin\nnext\nnext\n"


def test_standard_output_that_is_a_file_is_cut_back_too(tmp_path: Path) -> None:
    """As `> log` leaves it: not for appending, the position shared."""
    path = tmp_path / "log"
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with path.open("wb", buffering=0) as file:
        resource.setrlimit(resource.RLIMIT_FSIZE, (10, limits[1]))
        try:
            with pytest.raises(Unwritten) as raised:
                write_lines(file.fileno(), b"1234567\n89012\n", Turn())
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
        assert raised.value.rest == b"89012\n"
        write_lines(file.fileno(), b"next\n", Turn())
    assert path.read_bytes() == b"1234567\nnext\n"


def test_lines_that_met_a_deleted_file_are_in_the_next(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "log"
    target = FileTarget(str(path))
    target.write(b"first\n", None)
    written = targets.write_lines
    deleted = []

    def delete_before(*arguments: object) -> None:
        if not deleted:
            deleted.append(path.unlink())
        written(*arguments)  # type: ignore[arg-type]

    monkeypatch.setattr(targets, "write_lines", delete_before)
    target.write(b"second\n", None)
    assert path.read_bytes() == b"second\n"


def test_fifo_without_a_reader_holds_nobody_up(tmp_path: Path) -> None:
    fifo = tmp_path / "fifo"
    os.mkfifo(fifo)
    done = run(
        """
writer = Writer(FileTarget(sys.argv[1]))
writer.write(b"line\\n")
writer.flush(10)
reader = os.open(sys.argv[1], os.O_RDONLY | os.O_NONBLOCK)
time.sleep(1.1)
writer.write(b"read\\n")
writer.flush(10)
os.write(1, os.read(reader, 1000))
""",
        fifo,
    )
    assert done.stderr.splitlines()[1] == b"line"
    assert done.stdout.startswith(b"read\n")


@pytest.mark.parametrize("both", [True, False], ids=["one broken pipe", "both closed"])
def test_nothing_left_to_write_to_is_no_error(both: bool) -> None:
    script = """
logging.configure(level="info", fmt="json")
before = time.process_time()
for number in range(1000):
    logging.emit(logging.record("INFO", f"line {number}"))
logging.flush(10)
time.sleep(0.3)
assert time.process_time() - before < 0.3, "it tries on and on"
from service.observability.writer import LOST
assert LOST.lines == int(sys.argv[1]), LOST.lines
os._exit(7)
"""
    if not both:
        shell = ["sh", "-c", 'exec "$@" >&- 2>&-', "sh", *command(script, 0)]
        done = subprocess.run(shell, cwd=ROOT, timeout=30, check=False)
        assert done.returncode == 7
        return
    reader, writer = os.pipe()
    os.close(reader)
    try:
        done = run(script, 1000, stdout=writer, stderr=writer, check=False)
    finally:
        os.close(writer)
    assert done.returncode == 7
