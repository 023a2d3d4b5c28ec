"""Worker processes do the work, survive what it does to them, and never outlive their parent."""

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import psutil
import pytest

from console.logs.files import workers as module
from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.processes import Worker
from console.logs.files.workers import Workers
from tests.support import ROOT, wait_until

JOBS = "tests.console.logs.files.odd_jobs"
OPEN = Callable[[bytes], LogFile]
# 12 MiB in several pieces, with one line among them that a job may stumble over.
LINES = b"".join(b"w%d %s\n" % (n % 7, b"x" * 1_000) for n in range(12_000))
FATAL = LINES[: len(LINES) // 2].rsplit(b"\n", 1)[0] + b"\nfatal\n"


def whole(log: LogFile) -> list[Part]:
    return [Part(log, 0, log.end)]


def fold(workers: Workers, parts: list[Part], job: Job) -> tuple[Counter[str], Fold]:
    """Runs it to its end; what it has counted, and how it ended."""
    found: Counter[str] = Counter()

    def merge(state: bytes) -> None:
        found.update(msgspec.msgpack.decode(state, type=dict[str, int]))

    with Fold(parts, workers, job, merge) as running:
        assert running.wait(20)
    return found, running


def expected(content: bytes) -> Counter[str]:
    return Counter(line.split(b" ", 1)[0].decode() for line in content.splitlines())


def test_every_line_of_several_files_is_counted_once(workers: Workers, log_of: Any) -> None:
    parts = [*whole(log_of(LINES)), *whole(log_of(b"", "empty")), *whole(log_of(b"a b\n", "small"))]
    found, running = fold(workers, parts, Job(f"{JOBS}:Words"))
    assert found == expected(LINES) + Counter({"a": 1})
    assert (running.problem, running.done) == ("", running.total)
    assert 1 <= len(workers.processes) <= 2


def test_they_end_when_there_is_nothing_to_do_and_come_back(
    workers: Workers, log_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_IDLE_SECONDS", 0.2)
    parts = whole(log_of(LINES))
    for _ in range(2):
        found, running = fold(workers, parts, Job(f"{JOBS}:Words"))
        assert (found, running.problem) == (expected(LINES), "")
        gone = workers.processes
        wait_until(lambda: not workers.processes, "the workers ended")
        assert not any(map(psutil.pid_exists, gone))


def test_nothing_to_do_is_done_at_once(workers: Workers, log_of: Any) -> None:
    found, running = fold(workers, whole(log_of(b"")), Job(f"{JOBS}:Words"))
    assert (found, running.problem, workers.processes) == (Counter(), "", [])


def test_a_process_that_dies_is_replaced_and_its_piece_done_again(
    workers: Workers, log_of: Any, tmp_path: Path
) -> None:
    content = LINES + FATAL
    job = Job(f"{JOBS}:Fatal", {"once": str(tmp_path / "died")})
    found, running = fold(workers, whole(log_of(content)), job)
    assert (tmp_path / "died").exists()
    assert (found, running.problem) == (expected(content), "")


def test_a_line_that_kills_every_process_is_left_out(workers: Workers, log_of: Any) -> None:
    found, running = fold(workers, whole(log_of(LINES + FATAL)), Job(f"{JOBS}:Fatal"))
    assert "died over it twice" in running.problem
    assert 0 < found.total() < expected(LINES + FATAL).total()
    found, running = fold(workers, whole(log_of(LINES)), Job(f"{JOBS}:Words"))
    assert (found, running.problem) == (expected(LINES), "")


def test_killed_from_outside(workers: Workers, log_of: Any) -> None:
    log = log_of(LINES)
    found: Counter[str] = Counter()

    def merge(state: bytes) -> None:
        found.update(msgspec.msgpack.decode(state, type=dict[str, int]))

    with Fold(whole(log), workers, Job(f"{JOBS}:Words", {"slow": 0.02}), merge) as running:
        wait_until(lambda: running.done, "the first piece")
        for pid in workers.processes:
            os.kill(pid, signal.SIGKILL)
        assert running.wait(20)
    assert (found, running.problem) == (expected(LINES), "")


def test_an_exception_names_itself(workers: Workers, log_of: Any) -> None:
    found, running = fold(workers, whole(log_of(LINES + FATAL)), Job(f"{JOBS}:Raising"))
    assert "ValueError: as the line says" in running.problem
    assert found.total() > 0
    _, running = fold(workers, whole(log_of(LINES)), Job(f"{JOBS}:NotThere"))
    assert "AttributeError" in running.problem


def test_one_that_hangs_is_replaced(
    workers: Workers, log_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_PIECE_SECONDS", 0.3)
    found, running = fold(workers, whole(log_of(LINES + FATAL)), Job(f"{JOBS}:Hanging"))
    assert "died over it twice" in running.problem
    assert found.total() > 0


def test_withdrawn_at_once(workers: Workers, log_of: Any) -> None:
    slow = Job(f"{JOBS}:Words", {"slow": 0.03})
    log = log_of(LINES * 4)
    with Fold(whole(log), workers, slow, lambda _: None) as running:
        wait_until(lambda: running.done, "the first piece")
    withdrawn = time.monotonic()
    found, _ = fold(workers, whole(log_of(b"a b\n", "small")), Job(f"{JOBS}:Words"))
    assert found == Counter({"a": 1})
    assert time.monotonic() - withdrawn < 0.3
    assert not running.wait(0)


def test_without_processes_a_thread_does_the_work(
    workers: Workers, log_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(subprocess, "Popen", refuse)
    found, running = fold(workers, whole(log_of(LINES)), Job(f"{JOBS}:Words"))
    assert (found, running.problem) == (expected(LINES), "")
    assert workers.processes == []


def test_processes_that_cannot_start_are_given_up(
    workers: Workers, log_of: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("console.logs.files.processes._START", "raise SystemExit(1)")
    found, running = fold(workers, whole(log_of(LINES)), Job(f"{JOBS}:Words"))
    assert (found, running.problem) == (expected(LINES), "")


def test_a_failing_merge_is_told(workers: Workers, log_of: Any) -> None:
    def merge(_: bytes) -> None:
        raise ZeroDivisionError("no")

    with Fold(whole(log_of(LINES)), workers, Job(f"{JOBS}:Words"), merge) as running:
        assert running.wait(20)
    assert running.problem == "ZeroDivisionError: no"


def test_a_state_may_be_large(workers: Workers, log_of: Any) -> None:
    sizes: list[int] = []
    with Fold(
        whole(log_of(LINES)), workers, Job(f"{JOBS}:Large"), lambda state: sizes.append(len(state))
    ) as running:
        assert running.wait(20)
    assert set(sizes) == {5_000_000}
    assert running.problem == ""


def test_workers_know_nothing_of_the_screen(workers: Workers, log_of: Any) -> None:
    told: list[dict[str, Any]] = []
    job = Job(f"{JOBS}:Telling")
    with Fold(
        whole(log_of(LINES)), workers, job, lambda s: told.append(msgspec.msgpack.decode(s))
    ) as running:
        assert running.wait(20)
    foreign = {"textual", "rich", "httpx", "asyncio", "service", "pytest"}
    for each in told:
        assert each["pid"] != os.getpid()
        assert not foreign & {name.partition(".")[0] for name in each["modules"]}


def is_running(pid: int) -> bool:
    """Whether there is such a process, and not only what is left of one until it is waited for."""
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


PARENT = """
import sys, time
from pathlib import Path
from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.workers import Workers

workers = Workers(2)
log = LogFile.open(Path(sys.argv[1]))
fold = Fold([Part(log, 0, log.end)], workers, Job(sys.argv[2], {"slow": 0.05}), lambda state: None)
while len(workers.processes) < 2:
    time.sleep(0.01)
print(*workers.processes, flush=True)
if len(sys.argv) > 3:
    fold.wait()
"""


@pytest.mark.parametrize("killed", [True, False])
def test_they_end_with_their_parent(tmp_path: Path, killed: bool) -> None:
    (tmp_path / "app.log").write_bytes(LINES * 4)
    arguments = [str(tmp_path / "app.log"), f"{JOBS}:Words", *(["wait"] if killed else [])]
    with subprocess.Popen(
        [sys.executable, "-c", PARENT, *arguments], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as parent:
        assert parent.stdout is not None
        pids = [int(pid) for pid in parent.stdout.readline().split()]
        if killed:
            parent.kill()
        assert parent.wait(10) == (-signal.SIGKILL if killed else 0)
    assert len(pids) == 2
    wait_until(lambda: not any(map(is_running, pids)), "the workers' end", 3)


def test_ctrl_c_is_not_for_them(workers: Workers, log_of: Any) -> None:
    fold(workers, whole(log_of(LINES)), Job(f"{JOBS}:Words"))
    before = workers.processes
    for pid in before:
        os.kill(pid, signal.SIGINT)
    found, _ = fold(workers, whole(log_of(LINES)), Job(f"{JOBS}:Words"))
    assert found == expected(LINES)
    assert workers.processes == before


def test_a_worker_that_does_not_read_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("console.logs.files.processes._START", "import time; time.sleep(60)")
    worker: Worker[None] = Worker(thread=False)
    begin = time.monotonic()
    worker.stop(kill=False)
    assert time.monotonic() - begin < 3
    assert worker.process is not None
    assert worker.process.returncode == -signal.SIGKILL
