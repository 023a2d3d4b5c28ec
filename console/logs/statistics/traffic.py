"""Request rates, error ratio and latency, second by second, from the log's own timestamps."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from console.logs.records.times import Runs
from console.logs.statistics.sketch import NO_BUCKET, BucketCache, Sketch

__all__ = ["SECONDS", "WINDOW", "Traffic", "TrafficSummary"]

SECONDS = 300
"""How many seconds are remembered."""
WINDOW = 10
"""How many complete seconds a summary covers."""


@dataclass(slots=True)
class _Second:
    requests: int = 0
    errors: int = 0
    durations: Sketch = field(default_factory=Sketch)


_QUIET = _Second()


@dataclass(frozen=True, slots=True)
class TrafficSummary:
    """The last WINDOW complete seconds. `p99` is in milliseconds, `errors` a ratio of 0 to 1."""

    requests_per_second: float
    errors: float
    p99: float | None


class Traffic:
    """Counts requests (lines with a status) and errors (500 and above) for SECONDS seconds."""

    def __init__(self) -> None:
        self._seconds: dict[int, _Second] = {}
        self._buckets = BucketCache()

    def add(
        self,
        times: Runs,
        statuses: Sequence[int | None],
        durations: Sequence[float | None],
        now: float,
    ) -> None:
        """Count lines, one in each column; times are whole seconds, `now` too is since the epoch.

        A line without a time counts as now, one from the future too: its clock is ahead. One from
        before the remembered seconds is not counted in any of them.
        """
        buckets = list(map(self._buckets.__getitem__, durations))
        start = 0
        for told, lines in times:
            end = start + lines
            at = now // 1 if told is None or told > now else told
            if at > now - SECONDS:
                # Many lines a second have the same status and about the same duration.
                same = Counter(zip(statuses[start:end], buckets[start:end], strict=True))
                self._add(int(at), same)
            start = end
        self._forget(now)

    def _add(self, at: int, same: Mapping[tuple[int | None, int], int]) -> None:
        for (status, bucket), count in same.items():
            if status is None:
                continue
            second = self._seconds.setdefault(at, _Second())
            second.requests += count
            second.errors += count * (status >= 500)
            if bucket != NO_BUCKET:
                second.durations.add_bucket(bucket, count)

    def summary(self, now: float) -> TrafficSummary:
        """Return the figures of the last WINDOW complete seconds before `now`."""
        end = math.floor(now)
        window = [s for at in range(end - WINDOW, end) if (s := self._seconds.get(at))]
        requests = sum(second.requests for second in window)
        durations = Sketch()
        for second in window:
            durations.merge(second.durations)
        return TrafficSummary(
            requests_per_second=requests / WINDOW,
            errors=sum(second.errors for second in window) / requests if requests else 0.0,
            p99=durations.quantile(0.99),
        )

    def series(self, now: float, count: int) -> tuple[list[int | None], list[int | None]]:
        """Return requests and errors in each of the last `count` complete seconds, oldest first.

        Seconds before the first one remembered are None: nothing is known of them.
        """
        end = math.floor(now)
        first = min(self._seconds, default=end)
        span = range(end - count, end)
        seconds = [self._seconds.get(at, _QUIET) if at >= first else None for at in span]
        return [s.requests if s else None for s in seconds], [
            s.errors if s else None for s in seconds
        ]

    def _forget(self, now: float) -> None:
        for at in [at for at in self._seconds if at <= now - SECONDS]:
            del self._seconds[at]
