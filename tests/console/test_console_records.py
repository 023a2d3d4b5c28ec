"""Log lines become records: ours, other people's, and what is no JSON at all."""

import json
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.lines import Line
from console.logs.records import LEVELS, Record, decode, pretty, rank
from console.logs.records.times import as_runs
from console.logs.statistics.signatures import SIGNATURES, Signatures
from console.logs.statistics.traffic import SECONDS, Traffic


def record(fields: object) -> Record:
    raw = json.dumps(fields).encode()
    return decode(Line(raw, len(raw)))


def test_the_services_own_line(log_line: Callable[..., bytes]) -> None:
    raw = log_line().rstrip(b"\n")
    found = decode(Line(raw, len(raw)))
    assert found.at == pytest.approx(1768473000.123)
    assert (found.level, found.event, found.request_id) == ("info", "request", "abc123")
    assert (found.method, found.path, found.status) == ("POST", "/api/v1/users", 201)
    assert found.duration == 45.2
    assert found.structured


@pytest.mark.parametrize(
    ("fields", "expected"),
    [
        ({"time": 1768473000123, "level": 30, "msg": "pino"}, ("info", "pino", 1768473000.123)),
        ({"ts": 1768473000.5, "level": "warn", "msg": "zap"}, ("warning", "zap", 1768473000.5)),
        ({"severity": "CRITICAL", "message": "gcp"}, ("critical", "gcp", None)),
        ({"@timestamp": "2026-01-15T10:30:00Z", "message": "ecs"}, ("", "ecs", 1768473000.0)),
        ({"levelname": "Error", "event": {"a": 1}}, ("error", '{"a":1}', None)),
        ({"level": "loud", "timestamp": "soon", "status": "5xx", "event": 3}, ("", "3", None)),
        ({"time": 1e300, "level": None}, ("", "", None)),
    ],
)
def test_other_peoples_names(fields: dict[str, Any], expected: tuple[Any, ...]) -> None:
    found = record(fields)
    assert (found.level, found.event, found.at) == expected
    assert found.status is None


@pytest.mark.parametrize(
    ("raw", "text"),
    [
        (b"Traceback (most recent call last):", "Traceback (most recent call last):"),
        (b'{"half": ', '{"half": '),
        (b"[1, 2]", "[1, 2]"),
        (b"17", "17"),
        (b"", ""),
        (b"[" * 5000, "[" * 5000),
    ],
)
def test_what_is_no_json_object_is_text(raw: bytes, text: str) -> None:
    found = decode(Line(raw, len(raw)))
    assert not found.structured
    assert found.event == text
    assert pretty(found) == text


def test_a_hole_of_nuls_before_a_line_is_left_out() -> None:
    raw = b"\0" * 100 + b'{"event":"x"}\r'
    assert decode(Line(raw, len(raw))).event == "x"


@given(st.binary(max_size=200))
def test_no_line_is_too_strange(raw: bytes) -> None:
    found = decode(Line(raw, len(raw)))
    assert isinstance(pretty(found), str)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=10,
)


@given(
    st.dictionaries(
        st.sampled_from(["exception", *msgspec.structs.asdict(Record(raw=b"", size=0))]), JSON
    )
)
def test_no_value_is_too_strange(fields: dict[str, Any]) -> None:
    found = record(fields)
    assert found.level in {"", *LEVELS}
    assert isinstance(pretty(found), str)


def test_all_fields_are_kept_for_the_detail() -> None:
    raw = b'{"a":1,"a":2,"n":123456789012345678901234567890}'
    assert pretty(decode(Line(raw, len(raw)))).count('"a"') == 2


def test_an_exception_tells_its_type_and_its_place_in_the_services_own_code() -> None:
    frames = [
        "/srv/app/service/users/routes.py:10 post",
        "/srv/app/service/users/queries.py:41 create",
        "/venv/lib/python3.11/site-packages/sqlalchemy/pool.py:7 get",
    ]
    ours = record({"exception": {"type": "sqlalchemy.exc.TimeoutError", "frames": frames}})
    assert ours.failure == "TimeoutError in users/queries.py:41"
    told = {"type": "KeyError", "frames": [{"filename": "/a/b/c.py", "lineno": 3}]}
    assert record({"exception": told}).failure == "KeyError in b/c.py:3"
    assert record({"exception": "Traceback …\nValueError: no"}).failure == "ValueError"


def test_levels_are_ordered() -> None:
    assert [rank(level) for level in LEVELS] == [0, 1, 2, 3, 4]
    assert rank("") == rank("info")


def add(
    traffic: Traffic,
    now: float,
    *times: float | None,
    status: int | None = 200,
    duration: float | None = 10.0,
) -> None:
    """Count requests, all with the same status and duration."""
    traffic.add(as_runs(times), [status] * len(times), [duration] * len(times), now)


def test_traffic_of_the_last_complete_seconds() -> None:
    traffic, now = Traffic(), 1_000_000.5
    add(traffic, now, *[now - 1] * 30)
    add(traffic, now, *[now - 2] * 10, status=503, duration=200.0)
    add(traffic, now, now - 1, status=None, duration=None)
    summary = traffic.summary(now)
    assert summary.requests_per_second == 4.0
    assert summary.errors == 0.25
    assert summary.p99 == pytest.approx(200, rel=0.03)
    assert traffic.series(now, 4) == ([None, None, 10, 30], [None, None, 10, 0])


def test_traffic_forgets() -> None:
    traffic, now = Traffic(), 1_000_000.0
    assert traffic.summary(now).p99 is None
    assert traffic.series(now, 2) == ([None, None], [None, None])
    add(traffic, now, now - SECONDS - 1)
    assert traffic.summary(now).requests_per_second == 0
    add(traffic, now, None, now + 3600, duration=None)
    assert traffic.series(now + 1, 1)[0] == [2]
    add(traffic, now + SECONDS + 1)
    assert traffic.series(now + 1, 1)[0] == [None]


def test_the_same_error_has_one_signature() -> None:
    signatures = Signatures()
    assert signatures.add(Record(raw=b"", size=0, level="info"), 1.0) is None
    first = signatures.add(
        Record(raw=b"", size=0, level="error", failure="KeyError in a/b.py:1", path="/users/1"), 1.0
    )
    again = Record(raw=b"", size=0, level="error", failure="KeyError in a/b.py:1", path="/x/2")
    assert first is not None
    assert signatures.add(again, 2.0) is None
    assert (first.count, first.title, first.where) == (2, "KeyError in a/b.py:1", "/users/…")
    assert signatures.add(Record(raw=b"", size=0, status=500, path="/api/v1/users/7"), 3.0)
    assert signatures.add(Record(raw=b"", size=0, status=500, path="/api/v1/users/8"), 3.0) is None


def test_signatures_are_bounded() -> None:
    signatures = Signatures()
    names = [f"Error{chr(97 + i % 26)}{chr(97 + i // 26)}" for i in range(SIGNATURES + 10)]
    for name in names:
        assert signatures.add(Record(raw=b"", size=0, level="error", event=name), 1.0)
    assert signatures.add(Record(raw=b"", size=0, level="error", event=names[-1]), 1.0) is None
    assert signatures.add(Record(raw=b"", size=0, level="error", event=names[0]), 1.0)
