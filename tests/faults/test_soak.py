"""The soak's verdict: what grows, is lost or fails for no reason is found, and nothing else is."""

import random
from types import SimpleNamespace
from typing import Any, cast

import pytest

from tests.faults.outcomes import Outcome
from tests.faults.scene import Scene, Server
from tests.faults.soak import Sample, Soak, Window, flaws, is_explained, is_refused_or_busy

END = 1000.0


def seen(
    name: str,
    rss: tuple[float, float],
    files: tuple[int, int] = (9, 9),
    connections: tuple[int, int] = (30, 33),
) -> list[Sample]:
    """A process, or a row of workers, at the beginning and at the end."""
    pids = range(1, 7) if name == "worker" else [0] * 6
    return [
        Sample(at * END / 5, pid, name, 60.0, rss[at > 2], files[at > 2], connections[at > 2])
        for at, pid in enumerate(pids)
    ]


def soak(*samples: Sample, **more: Any) -> Soak:
    """One that is over."""
    site = SimpleNamespace(halves=lambda: more.pop("halves", 0))
    found = Soak(
        cast("Scene", site), cast("Server", None), cast("Server", None), [], random.Random(1)
    )
    found.samples += samples
    for name, value in more.items():
        setattr(found, name, value)
    return found


STEADY = {
    "arbiter": seen("arbiter", (40, 41)),
    "lasting": seen("lasting", (100, 104)),
    "worker": seen("worker", (100, 104)),
}


def steady_but(name: str, samples: list[Sample]) -> list[Sample]:
    """All as they should be, and one that is not."""
    return [sample for each in {**STEADY, name: samples}.values() for sample in each]


def test_steady_service_has_no_flaw() -> None:
    assert flaws(soak(*steady_but("arbiter", STEADY["arbiter"])), 0, END) == []


@pytest.mark.parametrize(
    ("name", "samples", "flaw"),
    [
        ("lasting", seen("lasting", (100, 106)), "lasting: memory grew by 6.0%"),
        ("arbiter", seen("arbiter", (40, 43)), "arbiter: memory grew by 7.5%"),
        ("worker", seen("worker", (100, 107)), "workers: each generation takes more, 7.0% in all"),
        ("lasting", seen("lasting", (100, 100), (9, 10)), "lasting: 9 file descriptors became 10"),
        ("lasting", seen("lasting", (1, 1), (9, 9), (40, 130)), "lasting: 130 connections"),
    ],
)
def test_leak_is_found(name: str, samples: list[Sample], flaw: str) -> None:
    assert flaws(soak(*steady_but(name, samples)), 0, END) == [flaw]


@pytest.mark.parametrize(
    ("seen_", "flaw"),
    [
        ({"acknowledged": {"a"}}, "1 acknowledged writes are lost"),
        ({"doubled": 1}, "1 writes were done twice"),
        ({"broken_lines": 1}, "1 log lines are broken"),
        (
            {"unexplained": [Outcome("read", 1, 2, 500, False, 1)]},
            "failures no fault explains: 1 × 500",
        ),
    ],
)
def test_loss_is_found(seen_: dict[str, Any], flaw: str) -> None:
    assert flaws(soak(*steady_but("arbiter", STEADY["arbiter"]), **seen_), 0, END) == [flaw]


@pytest.mark.parametrize(
    ("outcome", "explained"),
    [
        (Outcome("read", 10.5, 10.6, 503, True, 1), True),
        (Outcome("read", 9.0, 10.5, 503, True, 1), True),
        (Outcome("health", 10.5, 10.6, 503, False, 1), True),
        (Outcome("read", 10.5, 10.6, 503, False, 1), False),
        (Outcome("read", 10.5, 10.6, 500, True, 1), False),
        (Outcome("read", 10.5, 10.6, "reset", False, 1), False),
        (Outcome("read", 9.0, 9.5, 503, True, 1), False),
        (Outcome("read", 11.5, 11.6, 503, True, 1), False),
    ],
)
def test_a_fault_explains_its_own_failures_only(outcome: Outcome, explained: bool) -> None:
    assert is_explained(outcome, Window(10.0, 11.0, is_refused_or_busy)) is explained
