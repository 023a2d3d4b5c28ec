"""What the last backups came to, from the report that `python -m deploy.backup run` writes."""

import json
import stat
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from prometheus_client import Metric

from service.observability.metrics import gauge

LARGEST = 64 * 1024


def backup_metrics(path: Path) -> Iterator[Metric]:
    """A metric for each thing the report says; nothing for what it does not, or without one."""
    report = read_report(path)
    yield from gauge(
        "backup_verified_timestamp_seconds",
        "When a backup was last restored and found whole.",
        _moment(report.get("verified_at")),
    )
    yield from gauge(
        "backup_attempted_timestamp_seconds",
        "When the last backup began.",
        _moment(report.get("attempted_at")),
    )
    yield from gauge(
        "backup_last_attempt_success",
        "Whether the last backup was made and verified.",
        _number(report.get("ok"), bool),
    )
    yield from gauge(
        "backup_size_bytes",
        "How large the last backup is.",
        _number(report.get("size_bytes"), int),
    )


def read_report(path: Path) -> dict[str, Any]:
    """What the report says; nothing where there is none that could be one."""
    try:
        # Neither a pipe, which would never end, nor what is no report by its size.
        about = path.stat()
        if not stat.S_ISREG(about.st_mode) or about.st_size > LARGEST:
            return {}
        read = json.loads(path.read_bytes())
    except (OSError, ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def _moment(told: Any) -> float | None:
    if not isinstance(told, str):
        return None
    try:
        moment = datetime.fromisoformat(told)
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
    except (ValueError, OverflowError):
        return None


def _number(told: Any, kind: type[int]) -> float | None:
    # Exactly of the kind: True is an int as well.
    return float(told) if type(told) is kind and 0 <= told < 2**63 else None
