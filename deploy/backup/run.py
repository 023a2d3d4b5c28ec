"""The whole round: create, verify, prune, report; once, or again and again."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from deploy.backup import log
from deploy.backup.catalogue import Catalogue
from deploy.backup.create import create
from deploy.backup.encryption import recipients, throwaway
from deploy.backup.manifest import Manifest
from deploy.backup.names import Name, slug
from deploy.backup.problems import BackupError, one_line
from deploy.backup.programs import Work, in_thread
from deploy.backup.prune import prune
from deploy.backup.report import Report, write_metrics
from deploy.backup.settings import Settings
from deploy.backup.stores import open_store
from deploy.backup.verify import verify

RETRY = 900.0


@dataclass(frozen=True, slots=True)
class Reporter:
    """Where attempts are reported."""

    path: Path
    metrics: Path | None

    def verified(self, manifest: Manifest) -> None:
        """A success. A backup verified before, verified again, does not get younger by it."""
        last = Report.read(self.path)
        moment = log.stamp(log.now())
        fresh = Report(
            verified_at=moment,
            attempted_at=moment,
            ok=True,
            name=manifest.name,
            size_bytes=manifest.size_bytes,
            rows=manifest.rows,
        )
        if last.verified_at and not _newer(manifest.name, last.name):
            fresh = replace(last, attempted_at=moment, ok=True, error=None)
        self._write(fresh)

    def failed(self, error: object) -> None:
        """A failure: what was verified before stays as it was."""
        last = Report.read(self.path)
        self._write(
            replace(last, attempted_at=log.stamp(log.now()), ok=False, error=one_line(error))
        )

    def _write(self, report: Report) -> None:
        try:
            report.write(self.path)
            if self.metrics:
                write_metrics(report, self.metrics)
        except OSError as error:
            raise BackupError(f"the report cannot be written: {error}") from error


def _newer(name: str, than: str | None) -> bool:
    one, other = Name.parse(name), Name.parse(than or "")
    return one is None or other is None or one.created_at > other.created_at


async def run_once(settings: Settings, reporter: Reporter) -> Manifest:
    """Raises `BackupError`; the report is written in any case."""
    return await reported(_round(settings, reporter), settings, reporter)


async def reported(
    doing: Coroutine[Any, Any, Manifest], settings: Settings, reporter: Reporter
) -> Manifest:
    """What comes of it, as `limited` says; a failure is in the report before it is raised."""
    try:
        return await limited(doing, settings)
    except asyncio.CancelledError:
        reporter.failed("stopped before its end")
        raise
    except Exception as error:
        reporter.failed(error)
        raise


async def limited(doing: Coroutine[Any, Any, Manifest], settings: Settings) -> Manifest:
    """What comes of it. Raises `BackupError` past BACKUP_TIME_LIMIT."""
    try:
        async with asyncio.timeout(settings.time_limit):
            return await doing
    except TimeoutError:
        raise BackupError(
            f"it took longer than BACKUP_TIME_LIMIT, {settings.time_limit:.0f} s"
        ) from None


async def _round(settings: Settings, reporter: Reporter) -> Manifest:
    work = Work()
    settings.source()
    catalogue = Catalogue(await in_thread(work, lambda: open_store(settings.store)))
    to = list(recipients(settings.recipients))
    # A second recipient, known to this process alone: the backup can be proven here and now, and
    # never again be read by whoever takes this machine.
    key = throwaway() if to else None
    name, manifest = await create(settings, catalogue, [*to, key.to_public()] if key else to, work)
    backup = await in_thread(work, lambda: catalogue.find(str(name), None))
    await verify(settings, catalogue, backup, work, [key] if key else None)
    reporter.verified(manifest)
    await in_thread(work, lambda: prune(catalogue, settings.keep))
    return manifest


async def run_forever(settings: Settings, reporter: Reporter, every: float) -> None:
    """A round whenever the newest backup is `every` seconds old; after a failure, sooner."""
    while True:
        wait = await _told(lambda: _seconds_left(settings, every))
        if wait == 0:
            failed = await _told(lambda: _attempt(settings, reporter))
            wait = min(RETRY, every) if failed is None else 0
        await asyncio.sleep(min(RETRY, every) if wait is None else min(wait, every))


async def _attempt(settings: Settings, reporter: Reporter) -> float:
    await run_once(settings, reporter)
    return 0.0


async def _seconds_left(settings: Settings, every: float) -> float:
    """Until the next backup is due, by what is in the store: a restart changes nothing."""
    work = Work()
    store = await in_thread(work, lambda: open_store(settings.store))
    names = [each.name for each in await in_thread(work, Catalogue(store).backups)]
    own = slug(settings.source().database)
    ages = [(log.now() - name.created_at).total_seconds() for name in names if name.database == own]
    return max(0.0, every - min(ages, default=every))


async def _told(do: Callable[[], Awaitable[float]]) -> float | None:
    """What it returns; None when it failed, which is logged."""
    try:
        return await do()
    except BackupError as error:
        log.error("backup failed", error=str(error))
        return None
