"""Logs and viewers that are small enough for a test."""

import sys
from collections.abc import Callable

import pytest

from benchmarks.logs.figures import Results
from benchmarks.logs.plan import Log, Plan, prepare
from benchmarks.logs.viewers import Viewer, shows

FOLLOWING = """
import os, select, sys, threading, time, tty
delay, path = float(sys.argv[1]) + 0.01, sys.argv[2]
tty.setraw(0)

def answer():
    while os.read(0, 1):
        os.write(1, b"\\x1b[1;1Hanswered")

threading.Thread(target=answer, daemon=True).start()
with open(path, "rb") as file:
    file.seek(max(os.path.getsize(path) - 4096, 0))
    while True:
        lines = file.read().splitlines()
        time.sleep(delay)
        if lines:
            os.write(1, b"\\x1b[2;1H" + lines[-1][:110])
"""


@pytest.fixture(scope="session")
def log(tmp_path_factory: pytest.TempPathFactory) -> Log:
    """Some hundred lines."""
    return prepare(tmp_path_factory.mktemp("logs"), "tiny", 0.1)


@pytest.fixture
def viewer() -> Callable[[float], Viewer]:
    """Makes a program that shows the newest line, so many seconds late."""

    def make(delay: float) -> Viewer:
        command = (sys.executable, "-c", FOLLOWING, str(delay))
        return Viewer("late", command, "x", shows("answered"))

    return make


@pytest.fixture
def plan(log: Log) -> Callable[[Viewer], Plan]:
    """Makes a plan for one viewer."""

    def make(viewer: Viewer) -> Plan:
        results = Results(None, 1, {}, {}, {})
        return Plan(log, log, [viewer], results, rounds=1, rates=[200], seconds=1.0, limit=5.0)

    return make
