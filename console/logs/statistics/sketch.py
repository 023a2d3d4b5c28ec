"""Percentiles of a stream by a sketch: bounded, mergeable, with a stated error (as DDSketch)."""

import math
from bisect import bisect_left
from collections.abc import Mapping, Sequence

import msgspec

__all__ = ["NO_BUCKET", "RELATIVE_ERROR", "BucketCache", "Sketch", "bucket_of", "value_of"]

RELATIVE_ERROR = 0.01
"""A sketch's answer is within 1 % of a value that really has the asked rank."""

NO_BUCKET = -1
"""Stands for the bucket of a value that is not known."""

_GAMMA = (1 + RELATIVE_ERROR) / (1 - RELATIVE_ERROR)
# 1 µs to 11 days when values are milliseconds: 1,384 buckets, whatever is fed.
_SMALLEST, _LARGEST = 1e-3, 1e9
_BOUNDS = [
    _SMALLEST * _GAMMA**step
    for step in range(math.ceil(math.log(_LARGEST / _SMALLEST, _GAMMA)) + 1)
]
_CACHED = 16_384


def bucket_of(value: float) -> int:
    """Return the number of a value's bucket; below 0.001 and above 1e9 there is one each."""
    return bisect_left(_BOUNDS, value)


def value_of(bucket: int) -> float:
    """Return the value that stands for a bucket, within `RELATIVE_ERROR` of all in it."""
    if not 0 < bucket < len(_BOUNDS):
        return _BOUNDS[0] if bucket <= 0 else _BOUNDS[-1]
    return 2 * _BOUNDS[bucket] / (_GAMMA + 1)


class BucketCache(dict[float | None, int]):
    """The bucket of every value asked for lately, NO_BUCKET for None: durations repeat."""

    def __missing__(self, value: float | None) -> int:
        if len(self) >= _CACHED:
            self.clear()
        bucket = self[value] = NO_BUCKET if value is None else bucket_of(value)
        return bucket


class Sketch(msgspec.Struct):
    """Counts of values in buckets that grow by a constant factor; sketches can be merged."""

    buckets: dict[int, int] = {}
    count: int = 0

    def add(self, value: float) -> None:
        """Count one value; anything below 0.001 counts as 0.001, above 1e9 as 1e9."""
        self.add_bucket(bucket_of(value), 1)

    def add_bucket(self, bucket: int, times: int) -> None:
        """Count a value whose bucket is known, `times` times."""
        self.buckets[bucket] = self.buckets.get(bucket, 0) + times
        self.count += times

    def merge(self, other: "Sketch") -> None:
        """Add everything that `other` has counted."""
        _add_all(self.buckets, other.buckets)
        self.count += other.count

    @property
    def total(self) -> float:
        """The sum of all values, within `RELATIVE_ERROR`."""
        return math.fsum(value_of(bucket) * times for bucket, times in self.buckets.items())

    def quantile(self, q: float) -> float | None:
        """Return the value of rank `q` (0 to 1) within `RELATIVE_ERROR`, None when empty."""
        return self.quantiles([q])[0] if self.count else None

    def quantiles(self, qs: Sequence[float]) -> list[float]:
        """Return the value of each rank of `qs`, which ascend; none when empty."""
        found: list[float] = []
        passed = 0
        ranks = [max(math.ceil(q * self.count), 1) for q in qs]
        for bucket in sorted(self.buckets):
            passed += self.buckets[bucket]
            while len(found) < len(ranks) and passed >= ranks[len(found)]:
                found.append(value_of(bucket))
        return found


def _add_all(counts: dict[int, int], others: Mapping[int, int]) -> None:
    for key, count in others.items():
        counts[key] = counts.get(key, 0) + count
