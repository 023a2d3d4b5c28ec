"""What is measured is what happened: viewers that are late by so much are told to be so late."""

from collections.abc import Callable

import pytest

from benchmarks.logs import follow, launch
from benchmarks.logs.figures import Results
from benchmarks.logs.plan import Log, Plan, prepare
from benchmarks.logs.viewers import Viewer

NEVER = 1000.0


def values(results: Results, section: str) -> dict[str, list[float]]:
    """The figures of a section by their names."""
    return {figure.name: figure.values for figure in results.of(section)}


def problems(results: Results, section: str) -> dict[str, str]:
    """What could not be measured, by its name."""
    return {figure.name: figure.problem for figure in results.of(section) if figure.problem}


@pytest.mark.parametrize("delay", [0.0, 0.3])
def test_lag_is_that_of_the_viewer(
    delay: float, viewer: Callable[[float], Viewer], plan: Callable[[Viewer], Plan], log: Log
) -> None:
    asked = plan(viewer(delay))
    follow.measure(asked)
    found = values(asked.results, "follow")
    [middle], [longest] = found["200/s lag median"], found["200/s lag max"]
    # A line that just missed a frame waits for all of the next one.
    assert delay <= middle < 2 * delay + 0.25
    assert middle <= longest < 2 * delay + 1
    assert found["200/s marks not drawn"] == [0]
    assert found["200/s CPU"][0] < 1
    assert log.path.stat().st_size == log.size


def test_what_is_never_drawn_is_told(
    viewer: Callable[[float], Viewer],
    plan: Callable[[Viewer], Plan],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(follow, "_GRACE", 0.5)
    asked = plan(viewer(NEVER))
    follow.measure(asked)
    found = values(asked.results, "follow")
    assert found["200/s marks not drawn"][0] > 50
    assert found["200/s lag max"][0] > 1.4
    assert found["200/s lag median"][0] > 0.9


def test_a_launch_is_measured_from_its_beginning(
    viewer: Callable[[float], Viewer], plan: Callable[[Viewer], Plan], log: Log
) -> None:
    asked = plan(viewer(0.4))
    launch.measure(asked)
    found = values(asked.results, "launch")
    assert all(0.4 < each < 2 for each in found["newest line"])
    assert all(
        first < answered
        for first, answered in zip(found["newest line"], found["key answered"], strict=True)
    )
    assert found["memory, all indexed"][0] > 1
    assert log.path.stat().st_size == log.size


def test_a_viewer_that_never_gets_there_is_not_waited_for(
    viewer: Callable[[float], Viewer], plan: Callable[[Viewer], Plan]
) -> None:
    asked = plan(viewer(NEVER))
    object.__setattr__(asked, "limit", 1.0)
    launch.measure(asked)
    assert problems(asked.results, "launch")["newest line"] == "not in 1 s"


def test_a_log_is_the_same_each_time_and_its_matches_are_counted(log: Log) -> None:
    lines = log.path.read_bytes().splitlines()
    assert len(lines) == log.lines > 300
    errors = [line for line in lines if b'"level":"ERROR"' in line]
    assert log.matching["level>=error"] == len(errors) > 0
    before = log.path.stat().st_mtime_ns
    assert prepare(log.path.parent, "tiny", 0.1) == log
    assert log.path.stat().st_mtime_ns == before
    log.append(b"x" * 300)
    assert prepare(log.path.parent, "tiny", 0.1) == log
