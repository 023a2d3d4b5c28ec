"""Errors by signature: how many, since when, until when, and a few to look at."""

from collections.abc import Iterable
from datetime import datetime
from typing import NamedTuple

import msgspec

from console.logs.statistics.heavy import Weighed, shed
from console.logs.statistics.sightings import Sighting, newest
from console.logs.statistics.signatures import SIGNATURES, signature

__all__ = ["SAMPLES", "Failing", "Failure", "Failures"]

SAMPLES = 3
"""How many lines are remembered of each error: the newest."""


class Failing(NamedTuple):
    """A line that tells of an error: the exception and its place, if any, and the message."""

    sighting: Sighting
    failure: str
    event: str


class Failure(Weighed, kw_only=True):
    """One kind of error, when it was first and last seen, and the newest lines that tell of it."""

    first: datetime | None = None
    last: datetime | None = None
    samples: list[Sighting] = msgspec.field(default_factory=list)

    def merge(self, other: "Failure") -> None:
        """Add everything that `other` has counted."""
        self.count += other.count
        self.weight += other.weight
        times = [at for at in (self.first, other.first, self.last, other.last) if at is not None]
        self.first, self.last = min(times, default=None), max(times, default=None)
        self.samples = newest(SAMPLES, [*self.samples, *other.samples])


class Failures(msgspec.Struct):
    """The most frequent errors by signature, `others` of those that had to give way.

    While none had to, every figure is exact; after that a count is too low by at most `lost`, which
    stays below the number of errors divided by SIGNATURES.
    """

    known: dict[str, Failure] = {}
    others: int = 0
    lost: int = 0

    def add(self, failing: Iterable[Failing]) -> None:
        """Count lines that tell of an error."""
        groups: dict[str, list[Sighting]] = {}
        for sighting, failure, event in failing:
            name = signature(failure, sighting.status, event, sighting.where).name
            groups.setdefault(name, []).append(sighting)
        for name, sightings in groups.items():
            times = [each.at for each in sightings if each.at is not None]
            found = Failure(
                count=len(sightings),
                weight=len(sightings),
                first=min(times, default=None),
                last=max(times, default=None),
                samples=newest(SAMPLES, sightings),
            )
            self.known.setdefault(name, Failure()).merge(found)
        self._make_room()

    def merge(self, other: "Failures") -> None:
        """Add everything that `other` has counted."""
        for name, failure in other.known.items():
            self.known.setdefault(name, Failure()).merge(failure)
        self.others += other.others
        self.lost += other.lost
        self._make_room()

    def _make_room(self) -> None:
        if len(self.known) > 2 * SIGNATURES:
            price, gone = shed(self.known, SIGNATURES)
            self.lost += price
            self.others += sum(failure.count for failure in gone)
