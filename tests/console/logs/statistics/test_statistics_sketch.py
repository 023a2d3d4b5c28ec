"""The sketch is as close as it promises, small whatever it is fed, and can be merged."""

import math

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.statistics.sketch import NO_BUCKET, RELATIVE_ERROR, BucketCache, Sketch, bucket_of
from console.quantiles import quantile

VALUES = st.lists(st.floats(min_value=0.001, max_value=1e9), min_size=1, max_size=200)
RANKS = [0.0, 0.5, 0.9, 0.99, 1.0]


def sketch_of(values: list[float]) -> Sketch:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    return sketch


@given(VALUES)
def test_a_quantile_is_within_the_error_of_the_real_one(values: list[float]) -> None:
    real = [quantile(values, q) for q in RANKS]
    assert sketch_of(values).quantiles(RANKS) == pytest.approx(real, rel=RELATIVE_ERROR * 1.0001)


@given(VALUES)
def test_so_is_the_sum(values: list[float]) -> None:
    real = math.fsum(values)
    assert sketch_of(values).total == pytest.approx(real, rel=RELATIVE_ERROR * 1.0001)


@given(VALUES, VALUES)
def test_merged_is_the_same_as_counted_together(one: list[float], two: list[float]) -> None:
    merged = sketch_of(one)
    merged.merge(msgspec.msgpack.decode(msgspec.msgpack.encode(sketch_of(two)), type=Sketch))
    assert merged == sketch_of(one + two)


@pytest.mark.parametrize(
    ("value", "told"),
    [(0.0, 1e-3), (-5.0, 1e-3), (-math.inf, 1e-3), (math.inf, 1e9), (10**400, 1e9)],
)
def test_what_is_out_of_range_is_counted_at_its_end(value: float, told: float) -> None:
    assert sketch_of([value]).quantile(0.5) == pytest.approx(told, rel=0.03)


def test_it_stays_small_whatever_it_is_fed() -> None:
    sketch = sketch_of(
        [sign * 10.0 ** (e / 50) for e in range(-15_000, 15_000) for sign in (-1, 1)]
    )
    sketch.add(math.nan)
    assert len(sketch.buckets) < 1_400
    assert sketch.count == 60_001
    assert Sketch().quantile(0.5) is None
    assert Sketch().quantiles(RANKS) == []


def test_the_cache_says_the_same_and_is_bounded() -> None:
    cache = BucketCache()
    values = [step / 7 for step in range(40_000)]
    assert [cache[value] for value in values] == [bucket_of(value) for value in values]
    assert cache[None] == NO_BUCKET
    assert len(cache) < 20_000
