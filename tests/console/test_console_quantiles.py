"""Percentiles are what they are called."""

from console.quantiles import quantile


def test_the_quantile_of_a_list_is_the_nearest_rank() -> None:
    assert quantile([], 0.5) is None
    assert quantile([3.0], 0.99) == 3.0
    assert quantile(range(1, 101), 0.5) == 50
    assert quantile(range(1, 101), 0.99) == 99
