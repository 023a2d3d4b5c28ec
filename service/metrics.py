"""`/metrics`, for Prometheus. The proxy keeps it from the public."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import cast

import asyncpg
import structlog
from prometheus_client import Metric
from quart import Blueprint, Response
from sqlalchemy.exc import SQLAlchemyError

from service.database.breaker import Change
from service.database.engine import Database, DatabaseUnavailable
from service.database.schema import found_revision, pending_after
from service.http.application import Application, application
from service.http.operation import operation
from service.observability import loop
from service.observability.backup import backup_metrics
from service.observability.metrics import (
    CONTENT_TYPE,
    Publisher,
    exposition,
    gauge,
    loop_lag,
    serving,
)
from service.patience import finishes

blueprint = Blueprint("metrics", __name__)
log = structlog.get_logger()

# A scrape answers within a second, whatever the database does.
DATABASE_LIMIT = 0.75


@blueprint.get("/metrics")
@operation(returns={200: str}, credential="none", exempt=True)
async def metrics() -> Response:
    """Metrics.

    Requests by route, method and status, their durations, the connections to the database, its
    schema, the event loop, the store of rate limits, backups, and the code that runs.
    """
    app = application()
    watcher = cast("Watcher", app.extensions["metrics"])
    database = await watcher.asked()
    watcher.publish()
    report = Path(app.settings.BACKUP_REPORT)
    # In a thread: with several processes it reads the files of all of them.
    body = await asyncio.to_thread(lambda: exposition([*database, *backup_metrics(report)]))
    return Response(body, content_type=CONTENT_TYPE)


@asynccontextmanager
async def watching(app: Application) -> AsyncIterator[None]:
    """Measures this process during the block, and tells the log when the database goes and comes
    back."""
    watcher = app.extensions["metrics"] = Watcher(app.database)
    app.database.breaker.on_change = tell
    with serving():
        measuring = asyncio.create_task(loop.watch(watcher.note))
        try:
            yield
        finally:
            measuring.cancel()
            with suppress(asyncio.CancelledError):
                await measuring


def tell(change: Change) -> None:
    """One line for each change, where there would be one for each request."""
    if change.reason is None:
        log.warning("database available again", seconds=round(change.seconds, 1))
    else:
        log.error("database unavailable", reason=change.reason, exc_info=change.error)


class Watcher:
    """What is measured beside the requests: the event loop, the pool, the database."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._publisher = Publisher()
        self._asking: tuple[asyncio.Task[None], Told] | None = None

    def note(self, lag: float) -> None:
        """Notes how late the event loop is, and the gauges, for scrapes of other processes."""
        loop_lag.observe(lag)
        self.publish()

    def publish(self) -> None:
        """Notes the gauges as they are now."""
        breaker = self._database.breaker
        self._publisher.publish(*self._database.pool_state())
        self._publisher.publish_breaker(breaker.reason is not None, breaker.openings)

    async def asked(self) -> Iterator[Metric]:
        """What the database said, or did not within `DATABASE_LIMIT`; scrapes at the same moment
        share one question."""
        if self._asking is None or self._asking[0].done():
            told = Told()
            self._asking = asyncio.create_task(told.ask(self._database)), told
        task, told = self._asking
        await finishes(task, DATABASE_LIMIT)
        # Nobody waits for a question that hangs to notice that it was cancelled. What takes long
        # after the answer is loading Alembic, once.
        if not told.up:
            task.cancel()
        return told.metrics()


class Told:
    """What is known of the database; `pending` is None where nobody can know."""

    def __init__(self) -> None:
        self.up = False
        self.pending: int | None = None

    async def ask(self, database: Database) -> None:
        """Asks."""
        with suppress(DatabaseUnavailable):
            try:
                found = await found_revision(database)
            # It answers, but not what is expected.
            except (asyncpg.PostgresError, SQLAlchemyError):
                self.up = True
                return
            self.up = True
            self.pending = await asyncio.to_thread(pending_after, found)

    def metrics(self) -> Iterator[Metric]:
        """As metrics."""
        yield from gauge(
            "database_up", "Whether the database answered the process asked, in time.", self.up
        )
        yield from gauge(
            "database_migrations_pending",
            "Migrations the database lacks; absent where it or the migrations cannot be read.",
            self.pending,
        )
