"""All that is counted, as one value that can be sent to another process and merged there."""

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
