"""Everything known about one target: what the screens show, and nothing about how."""

import asyncio
import time
from collections.abc import Callable
from typing import TYPE_CHECKING

from console.health.backups import read_report
from console.health.instances import Instance
from console.health.metrics import Figures, fetch, metrics_url
from console.health.probe import OWN_REQUEST, Poll, probe
from console.logs.filters.formatter import together
from console.logs.filters.seen import FieldNames
from console.logs.follower import Follower
from console.logs.statistics.traffic import Traffic
from console.targets import Target
from console.watch.changes import Change, Feed
from console.watch.collection import Collection
from console.watch.schema import Schema
from console.watch.tally import Tally
from console.watch.vitals import Vitals

if TYPE_CHECKING:
    import httpx

__all__ = ["POLL_SECONDS", "Watch"]

POLL_SECONDS = 1.0
# Metrics cost a service more than its health; one without any is asked seldom.
_METRICS_SECONDS = 5.0
_NO_METRICS_SECONDS = 30.0
# So many lines are counted at a time that a key press still finds the event loop free.
_LINES_AT_ONCE = 5_000


class Watch:
    """The logs, instances and schema of a target, and the feed of what changed in them.

    Log lines that the console's own health polls made are left out everywhere: one a second and
    instance, they would hide the traffic they are there to watch. Raises FilterError for the
    target's filter.
    """

    def __init__(self, target: Target, on_schema: Callable[[], None]) -> None:
        self.target = target
        self.feed = Feed()
        self.follower = Follower(target.logs)
        own = OWN_REQUEST if target.health else ""
        hidden = f'-("{own}" request_id~~^{own})' if own else ""
        self.collection = Collection(target.logs, hidden=together(target.filter, hidden))
        self.field_names = FieldNames()
        self.instances = [Instance(endpoint) for endpoint in target.health]
        self.schema = Schema(target.alembic, self.feed, on_schema)
        self.vitals = Vitals(self.feed)
        self._tally = Tally(own, only=target.filter)
        self._truncations = 0

    @property
    def healthy(self) -> int:
        """How many instances were healthy at their last poll."""
        return sum(instance.status == "healthy" for instance in self.instances)

    @property
    def log_problem(self) -> str:
        """Why there may be nothing to read; empty when all log files are open."""
        if not self.target.logs:
            return "no log: give one with --log FILE"
        return "; ".join(f"{name}: {state}" for name, state in self.follower.states)

    @property
    def traffic(self) -> Traffic:
        """The requests of the last minutes."""
        return self._tally.traffic

    @property
    def log_lines(self) -> int:
        """How many lines were read since the console started, some before the end among them."""
        return self._tally.lines

    def take_lines(self) -> int:
        """Take in what the reader has found since the last call; return how many bytes it was."""
        self._notice_truncation()
        blocks = self.follower.take(_LINES_AT_ONCE)
        self.collection.keep(blocks)
        now = time.time()
        for block in blocks:
            for new in self._tally.add(block, now):
                self.feed.add(Change(new.first, "new error", new.title, "bad", new))
        return sum(len(block.data) for block in blocks)

    async def poll_forever(
        self, http: "httpx.AsyncClient", instance: Instance, on_poll: Callable[[], None]
    ) -> None:
        """Ask an instance every POLL_SECONDS, one question at a time, until cancelled."""
        while True:
            begin = time.monotonic()
            poll = await probe(http, instance.endpoint.url)
            if instance.add(poll):
                self.feed.add(_transition(instance, poll))
            on_poll()
            await asyncio.sleep(max(POLL_SECONDS - (time.monotonic() - begin), 0.05))

    async def measure_forever(
        self, http: "httpx.AsyncClient", instance: Instance, on_change: Callable[[], None]
    ) -> None:
        """Ask an instance for its metrics, again and again, until cancelled."""
        endpoint = instance.endpoint
        while True:
            figures = await fetch(http, metrics_url(endpoint.url))
            self.vitals.take(endpoint.url, figures, time.time())
            on_change()
            tells = figures != Figures()
            await asyncio.sleep(_METRICS_SECONDS if tells else _NO_METRICS_SECONDS)

    async def read_report_forever(self, on_change: Callable[[], None]) -> None:
        """Read the target's backup report, if it has one, again and again, until cancelled."""
        while self.target.backup_report is not None:
            report = await asyncio.to_thread(read_report, self.target.backup_report)
            self.vitals.take_report(report, time.time())
            on_change()
            await asyncio.sleep(_METRICS_SECONDS)

    def _notice_truncation(self) -> None:
        count = self.follower.truncations
        if count != self._truncations:
            self._truncations = count
            text = "truncated in place: its last lines may have been cut off unread"
            self.feed.add(Change(time.time(), "log", text))


def _transition(instance: Instance, poll: Poll) -> Change:
    at = poll.at + poll.latency / 1000
    if poll.healthy:
        return Change(at, instance.endpoint.name, "unhealthy → healthy", "good")
    before = "healthy → " if len(instance.polls) > 1 else ""
    return Change(at, instance.endpoint.name, f"{before}unhealthy: {poll.reason}", "bad")
