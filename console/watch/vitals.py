"""The database beyond its schema: the services' connections to it, and its backups."""

from dataclasses import dataclass

from console.health.backups import Backup, backup_of
from console.health.metrics import Figures
from console.watch.changes import Change, Feed

__all__ = ["Pool", "Vitals"]


@dataclass(frozen=True, slots=True)
class Pool:
    """Connections of all instances together, and requests that wait for one."""

    in_use: int
    most: int
    waiting: int


class Vitals:
    """What every instance last told of itself, by its URL, and the backup report if one is read.

    `backup` is the one of the newest attempt anybody knows of; None when nobody knows of any.
    """

    def __init__(self, feed: Feed) -> None:
        self.backup: Backup | None = None
        self._feed = feed
        self._figures: dict[str, Figures] = {}
        self._report: Backup | None = None

    @property
    def pool(self) -> Pool | None:
        """The pools added up; None when no instance tells of its own."""
        told = [
            (each.database_pool_connections_in_use, each.database_pool_max_connections, each)
            for each in self._figures.values()
        ]
        known = [
            (in_use, most, each.database_pool_waiting or 0.0)
            for in_use, most, each in told
            if in_use is not None and most
        ]
        if not known:
            return None
        in_use, most, waiting = (int(sum(column)) for column in zip(*known, strict=True))
        return Pool(in_use, most, waiting)

    def take(self, url: str, figures: Figures | None, now: float) -> None:
        """Note what an instance told; None when it told nothing."""
        if figures is None:
            self._figures.pop(url, None)
        else:
            self._figures[url] = figures
        self._look_at_backups(now)

    def take_report(self, report: Backup | None, now: float) -> None:
        """Note what the backup report says."""
        self._report = report
        self._look_at_backups(now)

    def _look_at_backups(self, now: float) -> None:
        known = [backup_of(each) for each in self._figures.values()]
        told = [each for each in (*known, self._report) if each is not None]
        if not told:
            # Away for a moment, a service has not lost its backups.
            return
        # Of two that know the same, the report alone knows why.
        newest = max(told, key=lambda each: (each.attempted_at or 0.0, bool(each.error)))
        before, self.backup = self.backup, newest
        # What failed before the console started is news as well.
        if not newest.ok and (before is None or before.ok):
            why = f": {newest.error}" if newest.error else ""
            at = min(newest.attempted_at or now, now)
            self._feed.add(Change(at, "backup", f"failed{why}", "bad"))
        elif before is not None and (newest.verified_at or 0.0) > (before.verified_at or 0.0):
            self._feed.add(Change(now, "backup", "made and verified", "good"))
