"""A file counted by several processes has the figures of one that is counted in one go."""

import json
import random
from pathlib import Path

import msgspec
import pytest

from console.logs.files.fold import Fold, Part
from console.logs.files.jobs import Job
from console.logs.files.log_file import LogFile
from console.logs.files.workers import Workers
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.work import FUNCTION

ROUTES = ("/users", "/users/<id>", "/orders")


@pytest.fixture(scope="module")
def log(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """More than any one piece."""
    chance = random.Random(7)
    path = tmp_path_factory.mktemp("statistics") / "app.log"
    with path.open("w") as file:
        for number in range(30_000):
            failed = chance.random() < 0.02
            line = {
                "timestamp": f"2026-01-15T10:{number // 3000:02d}:{number // 50 % 60:02d}.5Z",
                "level": "ERROR" if failed else "INFO",
                "request_id": f"r{number}",
                "method": "GET",
                "path": "/",
                "route": chance.choice(ROUTES),
                "status": 500 if failed else 200,
                "duration_ms": round(chance.lognormvariate(3, 1), 3),
                "user_id": chance.randrange(100),
            }
            file.write(json.dumps(line) + "\n")
    return path


def counted_by(workers: Workers, path: Path, **arguments: str) -> Statistics:
    file = LogFile.open(path, whole=True)
    total = Statistics()
    job = Job(FUNCTION, {"source": "app.log", **arguments})
    middle = file.end // 3
    parts = [Part(file, 0, middle), Part(file, middle, file.end)]
    with Fold(parts, workers, job, lambda state: total.merge(Statistics.decode(state))) as fold:
        assert fold.wait(30)
    assert not fold.problem
    return total


def test_processes_count_together(log: Path, workers: Workers) -> None:
    whole = Statistics()
    whole.add_block(log.read_bytes(), source="app.log")
    found = counted_by(workers, log)
    assert msgspec.to_builtins(found.state) == msgspec.to_builtins(whole.state)
    assert found.summary().lines == 30_000


def test_only_what_matches_a_filter_is_counted(log: Path, workers: Workers) -> None:
    found = counted_by(workers, log, text="level>=error route=/orders").summary()
    lines = [json.loads(line) for line in log.read_bytes().splitlines()]
    expected = [each for each in lines if each["status"] == 500 and each["route"] == "/orders"]
    assert found.lines == found.failed == len(expected)
    assert [each.route for each in found.routes] == ["GET /orders"]
    newest = found.signatures[0].samples[0]
    assert newest.offset is not None
    assert json.loads(log.read_bytes()[newest.offset :].split(b"\n")[0]) == expected[-1]
