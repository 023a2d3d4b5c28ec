"""One run measures everything it is asked for, and says what is missing, wrong or not met."""

import shutil
import subprocess
import sys
from collections.abc import Callable
from os.path import relpath
from pathlib import Path

import msgspec
import pytest

from benchmarks.logs import __main__ as command
from benchmarks.logs import peers, programs, report
from benchmarks.logs.figures import OURS, Figure, Results
from benchmarks.logs.plan import Log, Plan
from benchmarks.logs.questions import DUCKDB, JQ, RIPGREP, questions
from benchmarks.logs.viewers import Viewer, find
from tests.support import ROOT, environment

SCREENS = ("launch", "follow", "filter", "jump")


def test_a_run_measures_every_section_it_is_asked_for(tmp_path: Path) -> None:
    told = tmp_path / "run.json"
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "benchmarks.logs",
                "--alone",
                "--folder",
                relpath(tmp_path, ROOT),
            ),
            *("--megabytes", "0.2", "0.5", "--rounds", "1", "--rates", "500", "--seconds", "0.5"),
            *("--limit", "30", "--json", str(told), "--only", *SCREENS, "statistics"),
        ],
        cwd=ROOT,
        env=environment(),
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode in {0, 1}, done.stderr
    results = msgspec.json.decode(told.read_bytes(), type=Results)
    assert {figure.section for figure in results.figures} == {*SCREENS, "statistics"}
    assert [figure for figure in results.figures if figure.problem or not figure.values] == []
    exact = {"lines missing", "wrong counts", "500/s marks not drawn"}
    found = [figure for figure in results.figures if figure.name in exact]
    assert {figure.name for figure in found} == exact
    assert all(value == 0 for figure in found for value in figure.values)
    for figure in results.figures:
        assert f"  {figure.name}, {figure.size}" in done.stdout


def test_every_program_gives_the_same_answer(
    plan: Callable[[Viewer], Plan], viewer: Callable[[float], Viewer]
) -> None:
    asked = plan(viewer(0.0))
    absent = {who for who, name in {RIPGREP: "rg", JQ: "jq"}.items() if not shutil.which(name)}
    programs.measure(asked, {"count", "sql"}, absent)
    assert [figure for figure in asked.results.figures if figure.problem] == []
    counted = {figure.who for figure in asked.results.of("count")}
    assert counted == {OURS, DUCKDB, RIPGREP, JQ} - absent


def test_a_wrong_count_is_told(
    plan: Callable[[Viewer], Plan],
    viewer: Callable[[float], Viewer],
    log: Log,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    [question] = [each for each in questions() if each.filter == "level>=error"]
    silly = question._replace(
        commands={
            OURS: lambda _: ["echo", "7"],
            "false": lambda _: ["false"],
            "no": lambda _: ["/"],
        }
    )
    monkeypatch.setattr(programs, "questions", lambda: [silly])
    asked = plan(viewer(0.0))
    programs.measure(asked, {"count"}, ())
    [ours, failed, absent] = asked.results.figures
    assert ours.problem == f"counts 7 instead of {log.matching['level>=error']}"
    assert failed.problem.startswith("exit code 1")
    assert "Permission denied" in absent.problem
    assert not failed.values


def test_a_peer_that_cannot_be_had_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "")
    pins = {name: peers.Pin(("x",), "python9.9") for name in peers.PINS}
    monkeypatch.setattr(peers, "PINS", pins)
    found, missing = find(tmp_path, None)
    assert [viewer.name for viewer in found] == [OURS]
    assert missing["less"] == "not on PATH"
    assert missing["jnav"] == "needs python9.9, which is not on PATH"


def test_goals_and_peers_that_are_ahead_are_told() -> None:
    results = Results(
        command.describe(command.Cores(None, None), embedded=False),
        *(3, {"1 GB": 4}, {}, {"jnav": "not on PATH"}),
        [
            Figure("launch", "newest line", "1 GB", OURS, "s", [0.05, 0.2, 0.09]),
            Figure("launch", "newest line", "1 GB", "less", "s", [0.045]),
            Figure("launch", "newest line", "1 GB", "lnav", "s", [0.9]),
            Figure("follow", "key answered", "1 GB", OURS, "s", [0.01, 0.2]),
            Figure("sql", "x: ratio", "1 GB", OURS, "", [1.49]),
        ],
    )
    text = report.as_text(results)
    assert "missing: jnav: not on PATH" in text
    assert "2 of 3 goals met" in text
    assert "not met: follow: key answered, 1 GB, opsconsole: 0.105 s … 0.200 s" in text
    assert "ahead of ours: launch: newest line, 1 GB, less: 0.045 s, 0.50 ×" in text
    assert "10.00 ×" in text


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--json", "no-such-folder/run.json"], "there is no folder no-such-folder"),
        (["--rounds", "0"], "--rounds must be 1 or more"),
        (["--only", "nothing"], "invalid choice"),
    ],
)
def test_what_cannot_be_measured_is_said_at_once(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        command.parse(arguments)
    assert ended.value.code == 2
    assert told in capsys.readouterr().err
