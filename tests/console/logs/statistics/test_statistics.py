"""The figures are the real ones: by record or by block, in one piece or in many, in any order."""

import json
import math
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.records import decode_line
from console.logs.statistics.sketch import RELATIVE_ERROR
from console.logs.statistics.state import State
from console.logs.statistics.statistics import Statistics
from console.logs.statistics.summary import Summary
from console.quantiles import quantile

NOON = 1_768_478_400
OWN = "/srv/app/service/users/queries.py:41 create"

REQUESTS = st.fixed_dictionaries(
    {
        "timestamp": st.integers(NOON, NOON + 90).map(float),
        "level": st.sampled_from(["INFO", "WARNING", "ERROR", "CRITICAL"]),
        "event": st.sampled_from(["request", "job 7 failed", "job 8 failed"]),
        "request_id": st.uuids().map(str),
        "method": st.sampled_from(["GET", "POST"]),
        "path": st.integers(1, 5).map("/users/{}".format),
    },
    optional={
        "route": st.sampled_from(["/users/<id>", "/orders"]),
        "status": st.sampled_from([200, 201, 404, 429, 500, 503, 7]),
        "duration_ms": st.floats(0.001, 1e6) | st.sampled_from([10, 700.5]),
        "client": st.sampled_from(["203.0.113.7", "203.0.113.8"]),
        "user_id": st.sampled_from([7, "8", None]),
        "exception": st.just({"type": "asyncpg.TimeoutError", "frames": [OWN]}),
    },
)
ODD = st.sampled_from([b"", b"Traceback (most recent call last):", b'{"half', b"[1]", b"\xff\0"])
# With every key there is, as most lines of a log are: these are read in another way.
COMPLETE = st.fixed_dictionaries(
    {
        "timestamp": st.sampled_from(
            [f"2026-01-15T12:00:{second}Z" for second in ("00.000", "00.999", "59.5", "61.000")]
        ),
        "level": st.sampled_from(["INFO", "warn", "ERROR", "Critical", None]),
        "event": st.just("request"),
        "request_id": st.uuids().map(str),
        "method": st.sampled_from(["GET", None]),
        "path": st.integers(1, 5).map("/users/{}".format),
        "route": st.sampled_from(["/users/<id>", "/orders/" + "x" * 300, None, ""]),
        "status": st.sampled_from([200, 404, 500, 503, None]),
        "duration_ms": st.floats(0.001, 1e6) | st.sampled_from([10, 700.5]),
        "client": st.sampled_from(["203.0.113.7", "x" * 300, None]),
        "user_id": st.sampled_from([0, 7, "7", "0", "x" * 300, None]),
    }
)
LINES = st.lists(REQUESTS.map(json.dumps).map(str.encode) | ODD, max_size=40) | st.lists(
    st.one_of(COMPLETE, COMPLETE, COMPLETE, REQUESTS).map(json.dumps).map(str.encode), max_size=40
)


def block_of(lines: Sequence[bytes]) -> bytes:
    return b"".join(line + b"\n" for line in lines)


def by_block(lines: Sequence[bytes], offset: int = 0) -> Statistics:
    statistics = Statistics()
    statistics.add_block(block_of(lines), source="app.log", offset=offset)
    return statistics


def comparable(state: State) -> Any:
    """Without the order of the slowest that took equally long, and without which of those that took
    as long as the last of them these are: both are left to chance."""
    plain = msgspec.to_builtins(state)
    slowest = plain["slowest"]["kept"]
    least = slowest[-1]["duration_ms"] if slowest else None
    plain["slowest"] = [
        (each["duration_ms"], each["duration_ms"] != least and each["at"]) for each in slowest
    ]
    return plain


@given(LINES, LINES, LINES)
@settings(max_examples=50, deadline=None)
def test_parts_can_be_merged_in_any_order(a: list[bytes], b: list[bytes], c: list[bytes]) -> None:
    after_a, after_b = len(block_of(a)), len(block_of(a + b))

    def parts() -> list[Statistics]:
        made = [by_block(a), by_block(b, after_a), by_block(c, after_b)]
        return [Statistics.decode(part.encode()) for part in made]

    def merged(*parts: Statistics) -> Any:
        first, *others = parts
        for other in others:
            first.merge(other)
        return comparable(first.state)

    one, two, three = parts()
    forwards = merged(one, two, three)
    one, two, three = parts()
    two.merge(three)
    assert merged(one, two) == forwards
    one, two, three = parts()
    assert merged(three, one, two) == forwards
    assert comparable(by_block(a + b + c).state) == forwards


@given(LINES)
@settings(max_examples=50, deadline=None)
def test_records_and_blocks_are_counted_alike(lines: list[bytes]) -> None:
    live = Statistics()
    records = [decode_line(line) for line in lines]
    for start in range(0, len(records), 7):
        live.add(records[start : start + 7])
    counted = json.dumps(comparable(live.state), default=str)
    whole = comparable(by_block(lines).state)
    for failure in whole["failures"]["known"].values():
        for sample in failure["samples"]:
            assert lines[block_of(lines)[: sample["offset"]].count(b"\n")].startswith(b"{")
            sample.update(source="", offset=None)
    assert json.loads(counted) == json.loads(json.dumps(whole, default=str))


@given(LINES, st.sets(st.integers(0, 39)))
@settings(max_examples=30, deadline=None)
def test_only_the_chosen_lines_are_counted(lines: list[bytes], chosen: set[int]) -> None:
    numbers = sorted(number for number in chosen if number < len(lines))
    statistics = Statistics()
    statistics.add_block(block_of(lines), only=numbers)
    expected = Statistics()
    for number in numbers:
        offset = len(block_of(lines[:number]))
        expected.add_block(lines[number] + b"\n", offset=offset)
    assert comparable(statistics.state) == comparable(expected.state)


@given(LINES)
@settings(max_examples=50, deadline=None)
def test_the_figures_are_the_real_ones(lines: list[bytes]) -> None:
    summary = by_block(lines).summary(top=100)
    records = [decode_line(line) for line in lines]
    requests = [record for record in records if record.status is not None]
    assert summary.lines == len(lines)
    assert summary.levels == Counter(record.level for record in records)
    assert summary.requests == len(requests)
    assert summary.failed == sum(record.status >= 500 for record in requests if record.status)
    assert summary.error_ratio == (summary.failed / len(requests) if requests else None)
    durations: dict[str, list[float]] = defaultdict(list)
    statuses: dict[str, list[int]] = defaultdict(list)
    for record in requests:
        route = f"{record.method} {record.route or '/users/…'}".strip()[:200]
        statuses[route].append(record.status or 0)
        durations[route] += [record.duration] if record.duration is not None else []
    assert {each.route for each in summary.routes} == set(durations)
    for each in summary.routes:
        classes = Counter(status // 100 for status in statuses[each.route])
        assert each.requests == classes.total()
        assert (each.refused, each.failed) == (classes[4], classes[5])
        assert_latency(each.latency_ms, durations[each.route])
    every = [duration for each in durations.values() for duration in each]
    assert_latency(summary.latency_ms, every)
    assert summary.total_ms == pytest.approx(math.fsum(every), rel=RELATIVE_ERROR * 1.001)
    assert [each.duration_ms for each in summary.slowest] == sorted(every, reverse=True)[:20]
    users = Counter(record.user_id[:100] for record in records if record.user_id)
    assert {each.name: each.lines for each in summary.users} == users


def assert_latency(told: Any, durations: list[float]) -> None:
    if not durations:
        assert told is None
        return
    real = [quantile(durations, q) for q in (0.5, 0.95, 0.99, 1.0)]
    assert [told.p50, told.p95, told.p99, told.max] == pytest.approx(
        real, rel=RELATIVE_ERROR * 1.001
    )


def test_what_repeats_counts_each_time(log_line: Callable[..., bytes]) -> None:
    statistics = Statistics()
    statistics.add_block(log_line(duration_ms=10) * 60 + log_line(duration_ms=1000.0) * 40)
    (route,) = statistics.summary().routes
    assert route.total_ms == pytest.approx(40_600, rel=RELATIVE_ERROR)
    assert_latency(route.latency_ms, [10.0] * 60 + [1000.0] * 40)


def test_the_same_errors_are_counted_together(log_line: Callable[..., bytes]) -> None:
    failure = {"type": "asyncpg.TimeoutError", "frames": [OWN]}
    lines = [
        log_line(level="ERROR", status=500, exception=failure, request_id=f"r{n}", path=f"/a/{n}")
        for n in range(5)
    ]
    lines += [log_line(level="ERROR", status=None, event=f"job {n} of a@b.c failed") for n in "12"]
    lines += [log_line(level="ERROR", status=503, path=f"/users/{n}", user_id=n) for n in (1, 2)]
    lines += [log_line(level="INFO")]
    statistics = Statistics()
    statistics.add_block(b"".join(lines), source="app.log", offset=1000)
    found = statistics.summary().signatures
    assert [(each.signature, each.count) for each in found] == [
        ("TimeoutError in users/queries.py:41", 5),
        ("job … of … failed POST /api/v1/users", 2),
        ("status 503 POST /users/…", 2),
    ]
    samples = found[0].samples
    assert [each.request_id for each in samples] == ["r4", "r3", "r2"]
    assert samples[0].offset == 1000 + len(b"".join(lines[:4]))
    assert samples[0].source == "app.log"
    first = found[0].first
    assert first is not None
    assert first.isoformat() == "2026-01-15T10:30:00.123000+00:00"


def test_reset_forgets_everything(log_line: Callable[..., bytes]) -> None:
    statistics = Statistics()
    statistics.add_block(log_line(level="ERROR", status=500))
    statistics.reset()
    assert statistics.state == State()
    assert statistics.summary() == Statistics().summary()


def test_a_summary_is_json(log_line: Callable[..., bytes]) -> None:
    statistics = Statistics()
    statistics.add_block(log_line(level="ERROR", status=500, duration_ms=12.5))
    summary = statistics.summary()
    assert msgspec.json.decode(msgspec.json.encode(summary), type=Summary) == summary
