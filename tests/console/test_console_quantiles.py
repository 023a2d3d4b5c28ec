"""Percentiles are what they are called, and the sketch is as close as it promises."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.quantiles import RELATIVE_ERROR, Sketch, quantile

VALUES = st.lists(st.floats(min_value=0.001, max_value=1e8), min_size=1, max_size=200)
RANKS = st.sampled_from([0.0, 0.5, 0.9, 0.99, 1.0])


def test_the_quantile_of_a_list_is_the_nearest_rank() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.99) == 3.0
    assert quantile(range(1, 101), 0.5) == 50
    assert quantile(range(1, 101), 0.99) == 99


@given(VALUES, RANKS)
def test_the_sketch_is_within_its_error(values: list[float], q: float) -> None:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    assert sketch.quantile(q) == pytest.approx(quantile(values, q), rel=RELATIVE_ERROR * 1.01)


@given(VALUES, VALUES, RANKS)
def test_merging_is_the_same_as_counting_everything(
    one: list[float], two: list[float], q: float
) -> None:
    merged, second, whole = Sketch(), Sketch(), Sketch()
    for value in one:
        merged.add(value)
        whole.add(value)
    for value in two:
        second.add(value)
        whole.add(value)
    merged.merge(second)
    assert merged.quantile(q) == whole.quantile(q)
    assert merged.count == len(one) + len(two)


def test_the_sketch_stays_small_whatever_it_is_fed() -> None:
    sketch = Sketch()
    for exponent in range(-300, 300):
        sketch.add(10.0**exponent)
    assert len(sketch.buckets) < 700
    assert Sketch().quantile(0.5) is None
