"""Percentiles of a short list, exactly; those of a stream: `console.logs.statistics.sketch`."""

import math
from collections.abc import Iterable

__all__ = ["quantile"]


def quantile(values: Iterable[float], q: float) -> float | None:
    """Return the value of rank `q` (0 to 1, nearest rank), or None when there are no values."""
    ordered = sorted(values)
    if not ordered:
        return None
    return ordered[max(math.ceil(q * len(ordered)) - 1, 0)]
