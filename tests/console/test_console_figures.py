"""Numbers, times and log lines take the room they are given, whatever they are."""

import time
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.figures import age, availability, clock, milliseconds, size, sparkline
from console.logs.records import LEVELS, Record
from console.text import width_of
from console.widgets.log_columns import Columns


@pytest.mark.parametrize(
    ("value", "text"),
    [(None, "-"), (0.04, "0.0 ms"), (9.94, "9.9 ms"), (45.2, "45 ms"), (2004, "2,004 ms")],
)
def test_milliseconds(value: float | None, text: str) -> None:
    assert milliseconds(value) == text


def test_long_times_are_in_seconds() -> None:
    assert milliseconds(12_345) == "12.3 s"


@pytest.mark.parametrize(
    ("ratio", "text"), [(None, "-"), (1, "100 %"), (0.99999, "99.9 %"), (0.0, "0.0 %")]
)
def test_a_percentage_is_never_rounded_up_to_a_hundred(ratio: float | None, text: str) -> None:
    assert availability(ratio) == text


def test_sizes() -> None:
    told = [size(n) for n in (12, 65_536, 10_485_760, 1_288_490_189)]
    assert told == ["12 B", "64 KB", "10.0 MB", "1.2 GB"]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (-5, "0 s"),
        (59, "59 s"),
        (60, "1 min"),
        (3599, "59 min"),
        (172_799, "47 h"),
        (172_800, "2 d"),
    ],
)
def test_ages(seconds: float, text: str) -> None:
    assert age(seconds) == text


def test_a_sparkline_shows_the_newest_at_the_right() -> None:
    assert sparkline([9, 0, 7, None, 14], 4) == "▁▅ █"
    assert sparkline([0, 0], 4) == "  ▁▁"
    assert sparkline([1], 1, least_top=100) == "▁"
    assert sparkline([], 3) == "   "
    assert sparkline([1, 2], 0) == ""


def test_the_clock_is_local() -> None:
    at = 1_768_473_000.1239
    assert clock(at) == time.strftime("%H:%M:%S", time.localtime(at))
    assert clock(at, fraction=True).endswith(".123")
    assert clock(1768443702.379, fraction=True).endswith(".379")
    assert clock(-0.001, fraction=True) == f"{clock(-1)}.999"
    assert clock(None) == ""


RECORDS = st.builds(
    Record,
    raw=st.just(b""),
    size=st.integers(0, 10**9),
    at=st.none() | st.floats(0, 1e10),
    level=st.sampled_from(["", *LEVELS]),
    event=st.text(),
    request_id=st.text(),
    method=st.text(),
    path=st.text(),
    status=st.none() | st.integers(),
    duration=st.none() | st.floats(0, 1e15),
    failure=st.text(),
    structured=st.booleans(),
)


@given(RECORDS, st.integers(60, 250))
def test_a_row_is_as_wide_as_the_screen_and_harmless(record: Record, width: int) -> None:
    columns = Columns.fit(width)
    text = "".join(text for text, _ in columns.draw(record))
    assert width_of(text) == width
    assert {unicodedata.category(c) for c in text}.isdisjoint({"Cc", "Cf", "Zl", "Zp", "Cs"})


def test_the_narrower_the_fewer_columns() -> None:
    assert Columns.fit(80).request_id == 0
    assert Columns.fit(120).request_id == 12
    assert Columns.fit(200).request_id == 36
    assert Columns.fit(80).heading().split() == [
        "TIME",
        "LEVEL",
        "STATUS",
        "DURATION",
        "REQUEST",
        "OR",
        "EVENT",
    ]
