"""BACKUP_REPORT: what the service, its checklist and the console know of the backups."""

from __future__ import annotations

import json
import os
import tempfile
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import Self

_LARGEST = 64 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """`verified_at`, `name`, `size_bytes` and `rows` are of the last backup that was verified;
    `attempted_at`, `ok` and `error` of the last attempt."""

    verified_at: str | None = None
    attempted_at: str = ""
    ok: bool = False
    error: str | None = None
    name: str | None = None
    size_bytes: int = 0
    rows: int = 0

    @classmethod
    def read(cls, path: Path) -> Self:
        """What lasts from one report to the next: nothing where there is none that makes sense."""
        try:
            with path.open("rb") as file:
                told = json.loads(file.read(_LARGEST))
            if told["verified_at"] is not None:
                datetime.fromisoformat(told["verified_at"])
            found = cls(
                verified_at=told["verified_at"],
                name=told["name"],
                size_bytes=int(told["size_bytes"]),
                rows=int(told["rows"]),
            )
        except (OSError, ValueError, TypeError, KeyError):
            return cls()
        return found

    def write(self, path: Path) -> None:
        """Whole or not at all, and readable by the service's user."""
        _write(path, json.dumps(asdict(self)) + "\n")


def write_metrics(report: Report, path: Path) -> None:
    """The same for the node exporter's text file collector, by the service's names."""
    verified = f"{_seconds(report.verified_at)}" if report.verified_at else None
    samples = (
        ("backup_verified_timestamp_seconds", "When a backup was last verified.", verified),
        (
            "backup_attempted_timestamp_seconds",
            "When a backup was last attempted.",
            _seconds(report.attempted_at),
        ),
        ("backup_last_attempt_success", "Whether that attempt succeeded.", int(report.ok)),
        ("backup_size_bytes", "Size of the last verified backup.", report.size_bytes),
    )
    text = "".join(
        f"# HELP {name} {about}\n# TYPE {name} gauge\n{name} {value}\n"
        for name, about, value in samples
        if value is not None
    )
    _write(path, text)


def _seconds(moment: str) -> int:
    return int(datetime.fromisoformat(moment).timestamp())


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    # A name of its own, beside: the collector reads *.prom only.
    descriptor, name = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    partial = Path(name)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fchmod(descriptor, 0o644)
            os.fsync(descriptor)
        partial.rename(path)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
