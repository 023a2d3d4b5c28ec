"""What is known of the backups: from a service's metrics, or from the report of the backup job."""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from console.health.metrics import Figures

__all__ = ["OLDEST", "Backup", "backup_of", "read_report"]

OLDEST = 26 * 3600.0
"""Seconds after which a verified backup is too old: a day, and two hours for the job."""

_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Backup:
    """Times are in seconds since the epoch, None where they are not told.

    `ok` is how the last attempt ended, `error` why it failed, as far as that is told.
    """

    verified_at: float | None
    attempted_at: float | None
    ok: bool
    size: int | None = None
    error: str = ""


def backup_of(figures: Figures) -> Backup | None:
    """Return what the metrics of an instance tell; None when that is nothing."""
    verified = figures.backup_verified_timestamp_seconds
    attempted = figures.backup_attempted_timestamp_seconds
    success, size = figures.backup_last_attempt_success, figures.backup_size_bytes
    if verified is None and attempted is None and success is None:
        return None
    return Backup(verified, attempted, success != 0, None if size is None else int(size))


def read_report(path: Path) -> Backup | None:
    """Return what a report tells; None when there is none that makes sense. Blocks."""
    try:
        if not path.is_file():
            return None
        with path.open("rb") as file:
            told: Any = json.loads(file.read(_LARGEST))
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(told, dict):
        return None
    verified, attempted = _moment(told.get("verified_at")), _moment(told.get("attempted_at"))
    if verified is None and attempted is None:
        return None
    size, error = told.get("size_bytes"), told.get("error")
    return Backup(
        verified,
        attempted,
        told.get("ok") is not False,
        size if type(size) is int and 0 <= size < 1e15 else None,
        error if isinstance(error, str) else "",
    )


def _moment(told: Any) -> float | None:
    try:
        moment = datetime.fromisoformat(told)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (TypeError, ValueError, OverflowError):
        return None
