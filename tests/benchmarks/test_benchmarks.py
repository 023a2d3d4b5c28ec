"""The benchmarks start every server, refuse to compare what differs, and count what fails."""

import shutil
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree as ET

import msgspec
import pytest

from benchmarks import answers, load, population, servers, summary
from benchmarks.cases import CASES, ServerName
from benchmarks.load import Result
from benchmarks.processes import Memory
from benchmarks.report import Report
from benchmarks.run import Measured, Sample
from tests.support import ROOT, environment

CASE = {case.name: case for case in CASES}


def test_a_short_run_measures_every_server_in_every_case(database: str, tmp_path: Path) -> None:
    told, drawn = tmp_path / "run.json", tmp_path / "run.svg"
    done = subprocess.run(
        [
            *(sys.executable, "-m", "benchmarks", "--loader", "python", "--database", database),
            *("--rounds", "1", "--seconds", "0.1", "--warm-up", "0", "--starts", "0"),
            *("--json", str(told), "--plot", str(drawn)),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    report = msgspec.json.decode(told.read_bytes(), type=Report)
    wanted = {(case.name, server) for case in CASES for server in case.servers}
    assert {(each.case, each.server) for each in report.measured.samples} == wanted
    assert all(each.result.requests and not each.result.failed for each in report.measured.samples)
    assert {name: len(held) for name, held in report.measured.memory.items()} == {
        "here": 1,
        "bare": 3,  # Hypercorn, its worker, and what multiprocessing puts beside it
        "flask": 5,  # Gunicorn and four workers
        "fastapi": 1,
    }
    for outcome in report.goals:
        assert outcome.text in done.stdout
    ET.fromstring(drawn.read_text())
    assert drawn.read_text().count('<rect class="bar') == len(wanted)


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--loader", "wrk"], "wrk is not on PATH"),
        (["--json", "no-such-folder/run.json"], "there is no folder no-such-folder"),
        (["--database", "postgresql://127.0.0.1:1/app"], "connection refused"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(arguments: list[str], told: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--loader", "python", *arguments],
        cwd=ROOT,
        env=environment(PATH=""),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr


@pytest.fixture(scope="module")
def users(create_database, migrated_template) -> tuple[str, str]:
    """A database with users, and a token of an administrator."""
    url: str = create_database(migrated_template)
    return url, population.prepare(url)


@pytest.fixture(scope="module")
def here(users, tmp_path_factory) -> Iterator[servers.Running]:
    """This service."""
    command = servers.SERVERS["here"].command
    with servers.running(command, users[0], tmp_path_factory.mktemp("here"), None) as running:
        yield running


MUTATIONS = {
    "live": ('return {"status": "alive"}', 'return {"status": "living"}'),
    "health": (
        'return {"status": "healthy"',
        'response.status_code = 202; return {"status": "healthy"',
    ),
    "list": ('rel="next"', "rel=next"),
    "create": ("status_code=201", "status_code=200"),
}
"""In `fastapi_app.py`, what makes the answer of each case another one."""


@pytest.fixture(scope="module")
def other(users, tmp_path_factory) -> Iterator[servers.Running]:
    """A peer that answers differently."""
    text = (ROOT / "benchmarks" / "peers" / "fastapi_app.py").read_text()
    for before, after in MUTATIONS.values():
        assert text.count(before) == 1, before
        text = text.replace(before, after)
    folder = tmp_path_factory.mktemp("other")
    (folder / "mutated.py").write_text(text)

    def command(port: int, _folder: Path) -> list[str]:
        return ["-m", "uvicorn", "--port", str(port), "--app-dir", str(folder), "mutated:app"]

    with servers.running(command, users[0], folder, None) as running:
        yield running


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (
            "live",
            ["Constant JSON: fastapi says {'status': 'living'} instead of {'status': 'alive'}"],
        ),
        ("health", ["SELECT 1: fastapi answers 202 instead of 200"]),
        ("list", ["List of 20 users: fastapi has link "]),
        ("create", ["Create a user: fastapi answers 200 instead of 201"]),
        ("slow", []),
    ],
)
def test_a_peer_that_differs_is_found_out(users, here, other, name: str, found: list[str]) -> None:
    case = CASE[name]
    said = {
        "here": answers.ask(here.port, case, users[1]),
        "fastapi": answers.ask(other.port, case, users[1]),
    }
    differences = answers.differences(case, said)
    assert len(differences) == len(found), differences
    for difference, start in zip(differences, found, strict=True):
        assert difference.startswith(start)


@pytest.mark.parametrize("loader", ["python", "wrk"])
def test_an_answer_of_another_status_has_failed(here, users, loader: load.LoaderName) -> None:
    if not shutil.which(loader) and loader == "wrk":
        pytest.skip("wrk is not on PATH")
    asked = CASE["live"].load(here.port, users[1], clients=2, seconds=0.1)
    assert load.measure(loader, asked).failed == 0
    result = load.measure(loader, replace(asked, expected=201))
    assert result.failed >= result.requests > 0


@pytest.mark.parametrize("loader", ["python", "wrk"])
def test_users_are_created_under_addresses_of_their_own(
    here, users, loader: load.LoaderName
) -> None:
    if not shutil.which(loader) and loader == "wrk":
        pytest.skip("wrk is not on PATH")
    asked = CASE["create"].load(here.port, users[1], clients=2, seconds=0.1)
    result = load.measure(loader, asked)
    assert result.requests > 0
    assert result.failed == 0


def test_a_connection_that_ends_has_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:

        def hang_up() -> None:
            for _ in range(3):
                with server.accept()[0] as connection:
                    connection.recv(1024)

        thread = threading.Thread(target=hang_up)
        thread.start()
        port = server.getsockname()[1]
        result = load.by_python(CASE["live"].load(port, "", clients=3, seconds=5))
        thread.join()
    assert (result.requests, result.failed) == (0, 3)


def measured(rates: Mapping[ServerName, list[float]], case: str, rss: float = 80) -> Measured:
    """A run whose rounds had these rates."""
    samples = [
        Sample(number, case, server, Result(round(rate), 1.0, 1.0, 2.0, 0), 1e6 / rate, 1.0)
        for server, many in rates.items()
        for number, rate in enumerate(many, 1)
    ]
    return Measured(samples, {"here": [1.4, 1.6, 1.4]}, {"here": [Memory(rss, None)]})


def test_a_ratio_is_the_median_of_the_ratios_of_each_round() -> None:
    # The machine is slow in the second round: medians alone would say 2000 / 1000.
    run = measured({"here": [3000, 1500, 2000], "flask": [1000, 500, 1600]}, "list")
    ours, theirs = summary.lines(CASE["list"], run)
    assert (ours.server, ours.rate, ours.ratio) == ("here", 2000, None)
    assert (theirs.server, theirs.rate, theirs.ratio) == ("flask", 1000, 3.0)
    assert theirs.cpu_ratio == pytest.approx(3.0)


@pytest.mark.parametrize(
    ("case", "rates", "expected"),
    [
        ("list", {"flask": [1000], "fastapi": [1000]}, {"flask": True, "fastapi": True}),
        ("list", {"flask": [1200], "fastapi": [1010]}, {"flask": False, "fastapi": False}),
        ("live", {"bare": [3700]}, {"bare": False}),
        ("live", {"bare": [3600]}, {"bare": True}),
        ("slow", {"flask": [250]}, {"flask": True, "pool": True}),
        ("slow", {"flask": [251]}, {"flask": False, "pool": True}),
    ],
)
def test_goals_are_met_or_not(
    case: str, rates: dict[ServerName, list[float]], expected: dict[str, bool]
) -> None:
    run = measured({"here": [2000.0], **rates}, case)
    found = summary.outcomes([CASE[case]], run)
    assert [each.met for each in found] == [*expected.values(), True, True]


@pytest.mark.parametrize(("here_rate", "met"), [(1349.0, False), (1350.0, True)])
def test_the_slow_query_is_held_to_what_the_pool_allows(here_rate: float, met: bool) -> None:
    found = summary.outcomes([CASE["slow"]], measured({"here": [here_rate]}, "slow"))
    assert found[0].met is met


def test_memory_is_held_to_its_goal() -> None:
    found = summary.outcomes([], measured({"here": [1.0]}, "list", rss=91))
    assert [each.met for each in found] == [False, True]
