"""Whatever is fed, memory stays bounded and the totals right."""

import tracemalloc
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.records import LEVELS, Record
from console.logs.statistics import routes
from console.logs.statistics.routes import Routes
from console.logs.statistics.signatures import SIGNATURES
from console.logs.statistics.statistics import Statistics

MB = 1024 * 1024
RECORDS = st.builds(
    Record,
    raw=st.just(b""),
    size=st.just(0),
    at=st.none() | st.floats(),
    level=st.sampled_from(["", *LEVELS]),
    event=st.text(),
    request_id=st.text(),
    method=st.text(),
    path=st.text(),
    route=st.text(),
    status=st.none() | st.integers(100, 999),
    duration=st.none() | st.floats(),
    user_id=st.text(),
    client=st.text(),
    failure=st.text(),
)


@given(st.lists(RECORDS, max_size=30))
def test_no_record_is_too_strange(records: list[Record]) -> None:
    statistics = Statistics()
    statistics.add(records)
    summary = Statistics.decode(statistics.encode()).summary()
    assert summary.lines == len(records)
    assert summary.requests == sum(record.status is not None for record in records)


@given(st.binary(min_size=1, max_size=500))
def test_no_block_is_too_strange(block: bytes) -> None:
    statistics = Statistics()
    statistics.add_block(block)
    assert statistics.summary().lines == block.count(b"\n") + (not block.endswith(b"\n"))


def record(**fields: Any) -> Record:
    known = {"raw": b"", "size": 0, "at": 1.0, "status": 500, "duration": 1.0}
    return Record(**{**known, **fields})


LONG = "x" * 500
FLOODS: dict[str, Callable[[int], Record]] = {
    "routes": lambda n: record(route=f"/{n}r{LONG}", duration=1.01 ** (n % 1400) / 1000),
    "paths": lambda n: record(path=f"/{n}p{LONG}"),
    "clients": lambda n: record(client=f"{n}{LONG}"),
    "users": lambda n: record(user_id=f"{n}{LONG}"),
    "messages": lambda n: record(
        level="error", status=None, event="x" * (n % 150) + "y" * (n // 150)
    ),
    "failures": lambda n: record(failure=f"Error{n}{LONG}", request_id=LONG),
    "times": lambda n: record(at=(n - 6_000) * 2.0e7),
    "durations": lambda n: record(duration=n * 1e3 / 7),
}


@pytest.mark.parametrize("make", FLOODS.values(), ids=FLOODS)
def test_a_flood_is_bounded(make: Callable[[int], Record]) -> None:
    count = 12_000
    statistics = Statistics()
    tracemalloc.start()
    try:
        for start in range(0, count, 4_000):
            statistics.add([make(n) for n in range(start, start + 4_000)])
        used, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert used < 8 * MB
    assert most < 24 * MB
    state = statistics.state
    assert sum(state.levels.values()) == count
    assert sum(state.statuses.values()) == state.routes.everything().count
    assert len(state.failures.known) <= 2 * SIGNATURES
    failing = state.failures.others + sum(each.count for each in state.failures.known.values())
    assert failing == count


def test_routes_with_latencies_all_over_the_place_make_room(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(routes, "BUCKETS", 1_000)
    known = Routes()
    for number in range(30):
        for bucket in range(100):
            known.add(f"/{number}", 200, bucket, 1 + (number < 5))
        known.make_room()
    assert len(known.known) <= 10
    assert known.everything().count == 30 * 100 + 5 * 100
    for number in range(5):
        route = known.known.get(f"/{number}")
        assert (route.count if route else 0) >= 200 - known.lost
