"""Every figure of the statistics leads to exactly the lines that it has counted."""

import json
from itertools import product

import pytest

from console.logs.filters.formatter import to_text
from console.logs.filters.parser import parse
from console.logs.filters.plan import Plan
from console.logs.statistics.sections import sections
from console.logs.statistics.sightings import Sighting
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.summary import FailureFigures, Named, RouteFigures
from console.watch.leads import lines_behind

PLACES: list[dict[str, object]] = [
    {"route": "/users/{user_id}", "path": "/users/42"},
    {"route": "/health", "path": "/health"},
    {"route": None, "path": "/health?full=1"},
    {"path": "/files/42/raw?x=y"},
    {"path": "/wp-login.php"},
    {"path": '/a b/"c"(d)[e]'},
    {"route": "/long/" + "x" * 300, "path": "/long"},
]
OUTCOMES: list[dict[str, object]] = [
    {"status": 200},
    {"status": 404},
    {"status": 404, "level": "ERROR"},
    {"status": 503},
    {"status": 500, "exception": {"type": "TimeoutError", "frames": ["app/db.py:41 get"]}},
    {"status": 500, "exception": {"type": "KeyError"}},
    {"level": "ERROR", "event": "lost connection 12 after 5.5 s"},
    {"level": "CRITICAL", "event": "disk full"},
    {"level": "ERROR", "event": "KeyError"},
]
OTHERS: list[dict[str, object]] = [
    {"level": "ERROR", "event": "disk full"},
    {"level": "ERROR", "event": "could not send to a@example.com, (try 3)"},
    {"level": "ERROR", "event": f"said {'no ' * 40}{'f' * 64} and {'then ' * 40}"},
    {"level": "ERROR", "event": "restarted", "exception": {"type": "OSError"}},
    {"event": "hello", "client": "10.0.0.1", "user_id": 7},
    {"event": "hello", "client": 'it\'s \u202e "me"', "user_id": "7"},
    {"event": "hello", "client": "c" * 150, "user_id": "007"},
]


def log() -> bytes:
    lines = [
        {"method": method, "duration_ms": 5.0, "request_id": f"r{number}", **place, **outcome}
        for number, (method, place, outcome) in enumerate(
            product(("GET", "POST", None), PLACES, OUTCOMES)
        )
    ]
    return b"".join(json.dumps(line).encode() + b"\n" for line in [*lines, *OTHERS])


@pytest.mark.parametrize("kind", ["route", "error", "slowest", "client", "user"])
def test_as_many_lines_are_found_as_were_counted(kind: str) -> None:
    block = log()
    statistics = Statistics()
    statistics.add_block(block)
    (section,) = [s for s in sections(statistics.summary(top=100)) if s.kind == kind]
    for item in section.items:
        found = lines_behind(section.kind, item)
        assert found is not None
        match item:
            case RouteFigures():
                counted = item.requests
            case FailureFigures():
                counted = item.count
            case Named():
                counted = item.lines
            case Sighting():
                counted = 1
        text = to_text(found)
        assert Plan(parse(text).expression).count(block) == counted, text


def test_a_slow_request_without_an_id_leads_nowhere() -> None:
    assert lines_behind("slowest", Sighting(where="GET /x", duration_ms=5.0)) is None
