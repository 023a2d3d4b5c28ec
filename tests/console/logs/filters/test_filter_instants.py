"""Times are understood as one says them, in the machine's time zone, through its summer time."""

import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.filters.instants import duration_ms, instant, instant_text


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    def use(name: str) -> None:
        monkeypatch.setenv("TZ", name)
        time.tzset()

    yield use
    monkeypatch.undo()
    time.tzset()


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


# CET as a rule, so that no time zone database is needed.
BERLIN = "CET-1CEST,M3.5.0,M10.5.0/3"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("10m", "2026-01-15T10:20:00"),
        ("1h30m", "2026-01-15T09:00:00"),
        ("1.5h", "2026-01-15T09:00:00"),
        ("2d", "2026-01-13T10:30:00"),
        ("1w", "2026-01-08T10:30:00"),
        ("250ms", "2026-01-15T10:29:59.750000"),
        ("now", "2026-01-15T10:30:00"),
        ("today", "2026-01-14T23:00:00"),
        ("Yesterday", "2026-01-13T23:00:00"),
        ("11:15", "2026-01-15T10:15:00"),
        ("11:15:30.5", "2026-01-15T10:15:30.500000"),
        ("11:30", "2026-01-15T10:30:00"),
        ("11:31", "2026-01-14T10:31:00"),
        ("9:05", "2026-01-15T08:05:00"),
        ("2026-01-15", "2026-01-14T23:00:00"),
        ("2026-07-15", "2026-07-14T22:00:00"),
        ("2026-01-15T10:30", "2026-01-15T09:30:00"),
        ("2026-01-15 10:30:00", "2026-01-15T09:30:00"),
        ("2026-01-15T10:30:00.123Z", "2026-01-15T10:30:00.123000"),
        ("2026-01-15T10:30:00-05:00", "2026-01-15T15:30:00"),
        ("1768473000", "2026-01-15T10:30:00"),
        ("1768473000123", "2026-01-15T10:30:00.123000"),
    ],
)
def test_what_a_time_names(zone: Callable[[str], None], text: str, expected: str) -> None:
    zone(BERLIN)
    assert instant(text, at("2026-01-15T10:30:00")) == at(expected)


def test_a_day_is_a_day_of_the_calendar_when_the_clocks_change(
    zone: Callable[[str], None],
) -> None:
    zone(BERLIN)
    # 2026-03-29 has 23 hours there.
    now = at("2026-03-30T06:00:00")
    assert instant("yesterday", now) == at("2026-03-28T23:00:00")
    assert instant("today", now) == at("2026-03-29T22:00:00")
    assert instant("09:00", now) == at("2026-03-29T07:00:00")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "soon",
        "10",
        "10x",
        "m",
        "25:00",
        "10:60",
        "2026-13-01",
        "2026-02-30",
        "2026-01-15T25:00",
        "-10m",
        "0000-00-00",
        "9999999w",
        "12345678901234",
        "2026-01-15T10:30+99:00",
        "1h" * 50,
    ],
)
def test_what_is_no_time(text: str) -> None:
    assert instant(text, 1_768_473_000.0) is None


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("250ms", 250),
        ("1.5s", 1500),
        ("2m30s", 150_000),
        ("5µs", 0.005),
        ("5us", 0.005),
        ("1h", 3_600_000),
        ("3min", 180_000),
        ("7ns", 7e-6),
        ("1.5", None),
        ("1s ", None),
        ("s", None),
    ],
)
def test_durations(text: str, expected: float | None) -> None:
    assert duration_ms(text) == expected


@given(st.text(alphabet="0123456789:-TZ .+mshdwnow", max_size=30), st.floats(0, 4e9))
def test_any_text_is_a_time_or_none_and_survives_being_written(text: str, now: float) -> None:
    found = instant(text, now)
    if found is not None:
        assert instant(instant_text(found), now) == found
