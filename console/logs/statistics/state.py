"""All that is counted, as one value that can be sent to another process and merged there."""

from collections.abc import Mapping

import msgspec

from console.logs.statistics.failures import Failures
from console.logs.statistics.heavy import Tally
from console.logs.statistics.routes import Routes
from console.logs.statistics.sightings import Slowest
from console.logs.statistics.timeline import Timeline

__all__ = ["State"]


class State(msgspec.Struct):
    """Counts of lines by level ("" without one), of requests by status, over time, by route, by
    client and by user; the errors; the slowest requests. A request is a line with a status."""

    levels: dict[str, int] = {}
    statuses: dict[int, int] = {}
    timeline: Timeline = msgspec.field(default_factory=Timeline)
    routes: Routes = msgspec.field(default_factory=Routes)
    clients: Tally = msgspec.field(default_factory=Tally)
    users: Tally = msgspec.field(default_factory=Tally)
    failures: Failures = msgspec.field(default_factory=Failures)
    slowest: Slowest = msgspec.field(default_factory=Slowest)

    def add_moments(self, moments: Mapping[tuple[float | None, str, int | None], int]) -> None:
        """Count lines by their time in whole seconds, level and status."""
        self.timeline.add_all(moments)
        kinds: dict[tuple[str, int | None], int] = {}
        for (_, level, status), times in moments.items():
            kind = level, status
            kinds[kind] = kinds.get(kind, 0) + times
        for (level, status), times in kinds.items():
            self.levels[level] = self.levels.get(level, 0) + times
            if status is not None:
                self.statuses[status] = self.statuses.get(status, 0) + times

    def merge(self, other: "State") -> None:
        """Add everything that `other` has counted."""
        for level, times in other.levels.items():
            self.levels[level] = self.levels.get(level, 0) + times
        for status, times in other.statuses.items():
            self.statuses[status] = self.statuses.get(status, 0) + times
        self.timeline.merge(other.timeline)
        self.routes.merge(other.routes)
        self.clients.merge(other.clients)
        self.users.merge(other.users)
        self.failures.merge(other.failures)
        self.slowest.add(other.slowest.kept)
