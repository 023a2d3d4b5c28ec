"""Single lines worth going back to: samples of an error, and the slowest requests."""

import heapq
import math
from collections.abc import Iterable
from datetime import UTC, datetime

import msgspec

__all__ = ["SLOWEST", "Sighting", "Slowest", "newest"]

SLOWEST = 20
"""How many of the slowest requests are remembered."""


_LONG_AGO = datetime.min.replace(tzinfo=UTC)


class Sighting(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A line: when, which request, how it ended, and where to find it.

    `offset` is in bytes from the beginning of `source`; None for what
    is not known.
    """

    at: datetime | None = None
    where: str = ""
    request_id: str = ""
    status: int | None = None
    duration_ms: float | None = None
    source: str = ""
    offset: int | None = None


class Slowest(msgspec.Struct):
    """The SLOWEST requests that took longest, longest first."""

    kept: list[Sighting] = []

    @property
    def longest(self) -> float:
        """The duration of the slowest request of all, in milliseconds; infinite if unknown."""
        found = self.kept[0].duration_ms if self.kept else None
        return math.inf if found is None else found

    @property
    def least(self) -> float:
        """The duration, in milliseconds, that a request must exceed or equal to be remembered."""
        found = self.kept[-1].duration_ms if len(self.kept) == SLOWEST else None
        return found or 0.0

    def add(self, sightings: Iterable[Sighting]) -> None:
        """Look at more requests; each has a duration."""
        found = [*self.kept, *sightings]
        self.kept = heapq.nlargest(SLOWEST, found, key=lambda each: (each.duration_ms, _age(each)))


def newest(count: int, sightings: Iterable[Sighting]) -> list[Sighting]:
    """Return the latest, latest first; those without a time come last."""
    return heapq.nlargest(count, sightings, key=_age)


def _age(sighting: Sighting) -> tuple[bool, datetime, str, str, str, int]:
    # More than the time, so that the order of those at the same moment does not depend on chance.
    return (
        sighting.at is not None,
        sighting.at or _LONG_AGO,
        sighting.request_id,
        sighting.where,
        sighting.source,
        -1 if sighting.offset is None else sighting.offset,
    )
