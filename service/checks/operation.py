"""Lines about what runs beside the service: backups, the clock, the log's file."""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import time
from contextlib import suppress
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from pathlib import Path
from uuid import uuid4

import sqlalchemy as sa

from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import SEE_DATABASE, Scene
from service.database.engine import DatabaseUnavailable
from service.observability.backup import read_report

MOST_SKEW = 2.0
LINE_LIMIT = 3.0
TAIL = 1024 * 1024
REASON = 200
LEAST_SPACE = 64 * 1024 * 1024


async def backups(scene: Scene) -> Outcome:
    """`BACKUP_REPORT` names a JSON file that says when a backup was last verified by restoring it:
    `{"verified_at": "2026-01-15T03:00:00Z"}`. The last attempt did not fail (`"ok": false`).

    Run `python -m deploy.backup run`, which makes a backup, verifies it and writes the report.
    """
    path = Path(scene.settings.BACKUP_REPORT)
    if reason := reason_of_failure(path):
        return failed(
            f"the last attempt failed: {reason}",
            "put that right, then python -m deploy.backup run",
        )
    try:
        verified = read_backup_report(path)
    except ValueError as error:
        return failed(
            f"{path} {error}",
            "python -m deploy.backup run; another job writes "
            '{"verified_at": "<ISO time>"} there itself',
        )
    return passed(f"a backup was verified at {verified:%Y-%m-%d %H:%M} UTC")


async def backup_age(scene: Scene) -> Outcome:
    """The last verified backup is not older than `BACKUP_MAX_AGE`, nor from the future.

    Find out why the backup job did not run, or did not verify.
    """
    try:
        verified = read_backup_report(Path(scene.settings.BACKUP_REPORT))
    except ValueError:
        raise Unknowable("no backup was verified", "see the line backups") from None
    age = time.time() - verified.timestamp()
    if age < -MOST_SKEW:
        return failed("the last backup is from the future", "set the clocks right")
    shown = f"{age / 3600:.1f} h"
    most = scene.settings.BACKUP_MAX_AGE
    if age > most:
        return failed(
            f"the last verified backup is {shown} old, {most / 3600:.0f} h are allowed",
            "run the backup job, and see why it did not run by itself",
        )
    return passed(f"the last verified backup is {shown} old")


def read_backup_report(path: Path) -> datetime:
    """When a backup was last verified. Raises `ValueError` saying what is wrong with the file."""
    try:
        verified = datetime.fromisoformat(json.loads(path.read_bytes())["verified_at"])
    except OSError as error:
        raise ValueError(f"cannot be read: {error.strerror}") from None
    except (ValueError, TypeError, KeyError):
        raise ValueError('is not {"verified_at": "<ISO time>"}') from None
    return verified.astimezone(UTC) if verified.tzinfo else verified.replace(tzinfo=UTC)


def reason_of_failure(path: Path) -> str | None:
    """Why the last attempt failed; None if it did not, or the report does not tell."""
    report = read_report(path)
    if report.get("ok") is not False:
        return None
    error = report.get("error")
    if not isinstance(error, str) or not error:
        return "it does not say why"
    return "".join(each if each.isprintable() else "?" for each in error[:REASON])


async def clock_skew(scene: Scene) -> Outcome:
    """This machine's clock, PostgreSQL's and the public URL's are within 2 s of each other: tokens
    and rate limits are counted by all three.

    Run chronyd or systemd-timesyncd on the machine that is off.
    """
    skews = {"PostgreSQL": await _skew_of_database(scene), "the proxy": await _skew_of_proxy(scene)}
    for name, skew in skews.items():
        if abs(skew) > MOST_SKEW:
            said = f"{abs(skew):.1f} s {'behind' if skew > 0 else 'ahead of'} {name}'s"
            return failed(f"this machine's clock is {said}", "run chronyd on both machines")
    return passed(f"within {max(map(abs, skews.values())):.1f} s of PostgreSQL's and the proxy's")


async def _skew_of_database(scene: Scene) -> float:
    database = await scene.database()
    try:
        async with database.reading() as reader:
            sent = time.time()
            told = await reader.scalar(
                sa.text("SELECT extract(epoch FROM clock_timestamp())::float8")
            )
            received = time.time()
    except DatabaseUnavailable as error:
        raise Unknowable(f"the database does not answer: {error}", SEE_DATABASE) from None
    return skew(told, told, sent, received)


async def _skew_of_proxy(scene: Scene) -> float:
    answer = await scene.public.get("/health/live")
    try:
        told = parsedate_to_datetime(answer.value("date") or "").timestamp()
    except ValueError:
        raise Unknowable("the proxy's answers have no Date", "let the proxy send it") from None
    # Date has whole seconds, rounded down.
    return skew(told, told + 1.0, answer.sent, answer.received)


def skew(earliest: float, latest: float, sent: float, received: float) -> float:
    """How far another clock, which said something between `earliest` and `latest`, is ahead of
    this one, at which it was asked between `sent` and `received`; 0 where it may be the same."""
    if latest < sent:
        return latest - sent
    return max(0.0, earliest - received)


async def log_file(scene: Scene) -> Outcome:
    """The running service writes to `LOG_FILE`, a request of this very check among it, and the disk
    has room. Without one, lines go to standard output.

    Give the service's user the folder; free the disk; restart the service with this `LOG_FILE`.
    """
    if not scene.settings.LOG_FILE:
        return passed("no file: lines go to standard output")
    path = Path(scene.settings.LOG_FILE)
    if flaw := await asyncio.to_thread(_flaw_of_file, path):
        return flaw
    if not scene.deployed:
        return passed(f"{path} can be written")
    mark = f"check-{uuid4().hex}"
    await scene.straight.ask_anybody("GET", "/health/live", {"X-Request-ID": mark})
    if not await asyncio.to_thread(_appears, mark.encode(), path):
        return failed(
            f"the running service does not write to {path}",
            "restart it with this LOG_FILE, as a user who may write there",
        )
    return passed(f"the running service writes to {path}")


def _flaw_of_file(path: Path) -> Outcome | None:
    """What keeps it from being written; without making the file, or its folder."""
    existing = next(each for each in (path.absolute(), *path.absolute().parents) if each.exists())
    wants_folder = existing != path.absolute()
    if existing.is_dir() != wants_folder:
        found = f"{existing} is no folder" if wants_folder else f"{path} is a folder"
        return failed(found, "set LOG_FILE to a file in a folder")
    if not os.access(existing, os.W_OK):
        return failed(f"{existing} may not be written", f"chown {existing} to the service's user")
    free = shutil.disk_usage(existing).free
    if free < LEAST_SPACE:
        return failed(f"{free // 1024 // 1024} MiB are free for {path}", "make room on the disk")
    return None


def _appears(mark: bytes, path: Path) -> bool:
    """Whether the mark is in the file's last part before the time for it is up."""
    deadline = time.monotonic() + LINE_LIMIT
    while time.monotonic() < deadline:
        with suppress(OSError), path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - TAIL))
            if mark in file.read():
                return True
        time.sleep(0.02)
    return False
