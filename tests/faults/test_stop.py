"""A stop, and a start that fails: what is under way is answered, and the exit code is true."""

import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.faults.application import BROKEN_FACTORY, BROKEN_START
from tests.faults.flight import in_flight
from tests.faults.judging import judge
from tests.faults.outcomes import Outcomes
from tests.faults.record import row
from tests.faults.scene import FACTORY, SINGLE, Scene
from tests.service.support import GUNICORN
from tests.support import ROOT, environment, free_port

COMMANDS = {"gunicorn": None, "python -m service": SINGLE}
ROOM = 4.0


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize("seconds", [2, pytest.param(6, marks=pytest.mark.long)])
def test_graceful_stop(site: Scene, name: str, seconds: int) -> None:
    goal = "those in flight: 200; after TERM the load is refused, nothing is cut or reset; exit 0"
    with (
        row(f"{name}: TERM, {seconds} s requests in flight", goal) as it,
        site.server(COMMANDS[name]) as server,
        site.load(server) as load,
    ):
        with in_flight(server.port, f"/faults/slow?seconds={seconds}", 8) as flight:
            told = server.send(signal.SIGTERM)
            code = server.service.process.wait(45)
            ended = time.monotonic()
        found = judge(it, site, load, told, ended)
        refused = [each for each in found.failed if each.answer == "refused"]
        others = Outcomes([each for each in found.failed if each not in refused])
        it.note(failed=others.how(), refused_after=f"{len(refused):,}")
        it.must(flight.answers == [200] * 8, f"in flight: {flight.how()}")
        it.must(code == 0, f"exit code {code}")
        it.must(not found.closed, f"{len(found.closed)} idle connections closed without a word")
        it.must(not others.requests, f"failed, and not refused: {others.how()}")
        it.must(all(each.ended > told for each in refused), "refused before it was told to stop")
        it.within("exit after", ended - told, seconds + ROOM)
        it.must(not server.tracebacks(), "a traceback in the log")


FAILURES = {
    "a broken application": {BROKEN_FACTORY: "file"},
    "a short secret": {"SECRET_KEY": "short"},
    "a start-up that fails": {BROKEN_START: "file"},
    "a port in use": {"PORT": "taken"},
}


@pytest.mark.parametrize("name", COMMANDS)
@pytest.mark.parametrize(
    "fault",
    [
        "a broken application",
        *(pytest.param(each, marks=pytest.mark.long) for each in list(FAILURES)[1:]),
    ],
)
def test_failed_start(site: Scene, tmp_path: Path, name: str, fault: str) -> None:
    command = COMMANDS[name] or (*GUNICORN, FACTORY)
    file = tmp_path / "broken"
    file.touch()
    with row(f"{name}: start with {fault}", "exit code not 0 within 10 s, and says why") as it:
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = str(taken.getsockname()[1])
            values = {"file": str(file), "taken": port}
            chosen = {key: values.get(value, value) for key, value in FAILURES[fault].items()}
            started = time.monotonic()
            done = subprocess.run(
                [sys.executable, *command],
                cwd=ROOT,
                env=environment(**{**site.variables(), "PORT": str(free_port()), **chosen}),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=30,
                check=False,
            )
        it.note(exit_code=done.returncode)
        it.must(done.returncode > 0, f"exit code {done.returncode}")
        it.must(done.stdout, "says nothing")
        it.within("exit after", time.monotonic() - started, 10.0)
