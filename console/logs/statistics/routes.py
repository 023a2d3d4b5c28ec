"""Requests by route: how many, how many failed, how long they took."""

import msgspec

from console.logs.statistics.heavy import Weighed, shed
from console.logs.statistics.sketch import NO_BUCKET, Sketch

__all__ = ["BUCKETS", "ROUTES", "Route", "Routes"]

ROUTES = 1_000
"""How many routes are kept apart."""
BUCKETS = 150_000
"""How many buckets of durations all routes together may fill, about 15 MB."""


class Route(Weighed, kw_only=True):
    """The requests to a route: those refused (400 to 499), those failed (500 and above)."""

    refused: int = 0
    failed: int = 0
    durations: Sketch = msgspec.field(default_factory=Sketch)

    def merge(self, other: "Route") -> None:
        """Add everything that `other` has counted."""
        self.count += other.count
        self.weight += other.weight
        self.refused += other.refused
        self.failed += other.failed
        self.durations.merge(other.durations)


class Routes(msgspec.Struct):
    """The busiest routes by name. The requests of all that had to give way are in `others`.

    While no route had to, every figure is exact; after that the counts of a known route are too
    low by at most `lost`. That stays below a thousandth of all requests, unless their latencies are
    so far apart that BUCKETS has room for fewer than ROUTES.
    """

    known: dict[str, Route] = {}
    others: Route = msgspec.field(default_factory=Route)
    lost: int = 0

    def add(self, name: str, status: int, bucket: int, times: int) -> None:
        """Count requests with this status whose durations fall into this bucket, or NO_BUCKET.

        `make_room` is to be called after every few thousand additions.
        """
        route = self.known.get(name)
        if route is None:
            route = self.known[name] = Route()
        route.count += times
        route.weight += times
        route.refused += times if 400 <= status < 500 else 0
        route.failed += times if status >= 500 else 0
        if bucket != NO_BUCKET:
            route.durations.add_bucket(bucket, times)

    def merge(self, other: "Routes") -> None:
        """Add everything that `other` has counted."""
        for name, route in other.known.items():
            self.known.setdefault(name, Route()).merge(route)
        self.others.merge(other.others)
        self.lost += other.lost
        self.make_room()

    def make_room(self) -> None:
        """Let the least busy routes give way when there are too many."""
        room = ROUTES
        while len(self.known) > room or self._buckets() > BUCKETS:
            room = min(room, len(self.known) - 1)
            price, gone = shed(self.known, room)
            self.lost += price
            for route in gone:
                self.others.merge(route)
            room //= 2

    def everything(self) -> Route:
        """All requests, whatever their route."""
        every = Route()
        for route in (*self.known.values(), self.others):
            every.merge(route)
        return every

    def _buckets(self) -> int:
        return sum(len(route.durations.buckets) for route in self.known.values())
