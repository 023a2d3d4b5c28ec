"""Time is cut into few enough bins, no line gets lost, and a wrong clock spoils nothing."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.statistics import timeline as module
from console.logs.statistics.timeline import BINS, Timeline, mood
from console.logs.statistics.timespan import timespan_of

NOON = 1_768_478_400
MOMENTS = st.lists(
    st.tuples(
        st.floats() | st.none() | st.integers(0, 5_000).map(float),
        st.sampled_from(["", "info", "error", "strange"]),
        st.sampled_from([None, 200, 503, -1, 10**30]),
        st.integers(1, 9),
    ),
    max_size=30,
)
Moments = list[tuple[float | None, str, int | None, int]]


def timeline_of(moments: Moments) -> Timeline:
    timeline = Timeline()
    for at, level, status, times in moments:
        timeline.add(at, bytes([mood(level, status)]) * times)
    return timeline


@given(MOMENTS, MOMENTS, MOMENTS, st.integers(20, 40))
@settings(max_examples=60)
def test_parts_can_be_merged_in_any_order(a: Moments, b: Moments, c: Moments, room: int) -> None:
    before, module.BINS = module.BINS, room
    # Fewer bins than that do not reach over all time; the widest ones are then put together less.
    try:
        moments = [
            (at if at is None or abs(at) < 1e9 else math.nan, level, status, times)
            for at, level, status, times in a + b + c
        ]
        cuts = len(a), len(a) + len(b)
        parts = [moments[: cuts[0]], moments[cuts[0] : cuts[1]], moments[cuts[1] :]]
        left, right = timeline_of(parts[0]), timeline_of(parts[2])
        left.merge(timeline_of(parts[1]))
        left.merge(timeline_of(parts[2]))
        right.merge(timeline_of(parts[1]))
        right.merge(timeline_of(parts[0]))
        assert left == right == timeline_of(moments)
        assert len(left.bins) <= room
    finally:
        module.BINS = before


@given(MOMENTS)
def test_no_time_is_too_strange_and_every_line_is_counted(moments: Moments) -> None:
    timeline = timeline_of(moments)
    timespan, histogram = timespan_of(timeline, 30)
    counted = sum(bar.lines for bar in histogram.bars) + timespan.undated + timespan.outside
    assert counted == sum(times for *_, times in moments)
    assert len(histogram.bars) <= 31


def test_bins_get_wider_when_there_are_too_many() -> None:
    timeline = timeline_of([(float(second), "info", 200, 1) for second in range(BINS)])
    assert (timeline.width, len(timeline.bins)) == (1, BINS)
    timeline.add(float(BINS), bytes([mood("error", 500)] * 2))
    assert (timeline.width, len(timeline.bins)) == (60, BINS // 60 + 1)
    assert timeline.bin(BINS // 60).levels == {"error": 2}
    assert timeline.bin(0).requests == 60


def test_times_all_over_history_have_room() -> None:
    step = 10**12 // 50_000
    timeline = timeline_of([(float(n * step), "info", None, 1) for n in range(-50_000, 50_000)])
    assert len(timeline.bins) <= BINS
    assert sum(timeline.bin(number).lines for number in timeline.bins) == 100_000


@pytest.mark.parametrize("wrong", [0.0, NOON + 1e9, -6e10, 1e300])
def test_a_wrong_clock_changes_no_rate(wrong: float) -> None:
    timeline = timeline_of([(NOON + second, "info", 200, 10) for second in range(100)])
    timeline.add(wrong, bytes([mood("info", 200)]))
    timespan, histogram = timespan_of(timeline, 50)
    assert timespan.outside == 1
    assert timespan.requests_per_second == 10
    assert (timespan.seconds, timespan.peak_per_second) == (100, 10)
    assert (histogram.seconds, [bar.lines for bar in histogram.bars]) == (2, [20] * 50)


def test_a_quiet_night_is_no_wrong_clock() -> None:
    timeline = timeline_of([(NOON + hour * 3600.0, "info", 200, 10) for hour in range(24)])
    timespan, histogram = timespan_of(timeline, 24)
    assert timespan.outside == 0
    assert timespan.seconds == 23 * 3600 + 1
    assert histogram.seconds == 3600
