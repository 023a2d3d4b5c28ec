"""What the environment says. A secret may also be in the file that `<KEY>_FILE` names, or one of
systemd's credentials."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from deploy.backup.problems import UsageError
from deploy.backup.retention import Keep
from deploy.backup.url import DatabaseURL

REPORT = "var/backup.json"
TIME_LIMIT = 4 * 3600.0
LOCK_TIMEOUT = 30.0
_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86_400}


@dataclass(frozen=True, slots=True)
class Settings:
    """`database` and `store` are what is backed up, and to where; `verify_on` is the server that
    backups are restored on to prove them, where it may create databases."""

    database: DatabaseURL | None
    verify_on: DatabaseURL | None
    store: str
    recipients: tuple[str, ...]
    identity_file: Path | None
    keep: Keep
    report: Path
    programs: Path | None
    compression: str
    time_limit: float
    lock_timeout: float

    def source(self) -> DatabaseURL:
        """What is backed up. Raises `UsageError` if nobody said."""
        if self.database is None:
            raise UsageError("DATABASE_URL is not set: name the database, or DATABASE_URL_FILE")
        return self.database

    def server(self) -> DatabaseURL:
        """Where backups are restored to be verified. Raises `UsageError` if nobody said."""
        return self.verify_on or self.source()


def load(environ: Mapping[str, str]) -> Settings:
    """Raises `UsageError`."""
    direct = "MIGRATION_DATABASE_URL" if _value(environ, "MIGRATION_DATABASE_URL") else None
    return Settings(
        # A pooler in transaction mode is no way for pg_dump: the direct URL wins.
        database=_url(environ, direct or "DATABASE_URL"),
        verify_on=_url(environ, "BACKUP_VERIFY_DATABASE_URL"),
        store=_value(environ, "BACKUP_STORE") or "",
        recipients=tuple(
            each.strip()
            for each in re.split(r"[,\n]", _value(environ, "BACKUP_AGE_RECIPIENT") or "")
            if each.strip() and not each.strip().startswith("#")
        ),
        identity_file=_path(environ, "BACKUP_AGE_IDENTITY_FILE"),
        keep=Keep(
            daily=_count(environ, "BACKUP_KEEP_DAILY", 7),
            weekly=_count(environ, "BACKUP_KEEP_WEEKLY", 5),
            monthly=_count(environ, "BACKUP_KEEP_MONTHLY", 12),
        ),
        report=report_path(environ),
        programs=_path(environ, "BACKUP_PG_BIN"),
        compression=environ.get("BACKUP_COMPRESSION", ""),
        time_limit=_duration(environ, "BACKUP_TIME_LIMIT", TIME_LIMIT),
        lock_timeout=_duration(environ, "BACKUP_LOCK_TIMEOUT", LOCK_TIMEOUT),
    )


def report_path(environ: Mapping[str, str]) -> Path:
    """Where the report goes, whatever else is wrong with the environment."""
    return Path(environ.get("BACKUP_REPORT") or REPORT)


def duration(text: str) -> float:
    """Seconds of `90`, `90s`, `30m`, `24h` or `1d`. Raises `ValueError`."""
    match = re.fullmatch(r"(\d{1,9})([smhd]?)", text.strip())
    if match is None or not int(match[1]):
        raise ValueError("must be like 90s, 30m, 24h or 1d")
    return float(int(match[1]) * _UNITS[match[2] or "s"])


def _value(environ: Mapping[str, str], key: str) -> str | None:
    """The key's value, from itself, the file that `<KEY>_FILE` names, or systemd's credential."""
    named = environ.get(f"{key}_FILE")
    if environ.get(key) and named:
        raise UsageError(f"{key} and {key}_FILE are both set: set one of them")
    if environ.get(key):
        return environ[key]
    credential = Path(environ.get("CREDENTIALS_DIRECTORY") or "/nonexistent") / key
    path = Path(named) if named else credential
    if not named and not credential.is_file():
        return None
    try:
        return path.read_text("utf-8").strip() or None
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise UsageError(f"the file of {key}, {path}, cannot be read: {reason}") from None


def _url(environ: Mapping[str, str], key: str) -> DatabaseURL | None:
    text = _value(environ, key)
    return DatabaseURL.parse(text, key) if text else None


def _path(environ: Mapping[str, str], key: str) -> Path | None:
    return Path(environ[key]) if environ.get(key) else None


def _count(environ: Mapping[str, str], key: str, default: int) -> int:
    text = environ.get(key) or str(default)
    if not re.fullmatch(r"\d{1,4}", text.strip()):
        raise UsageError(f"{key} must be a whole number")
    return int(text)


def _duration(environ: Mapping[str, str], key: str, default: float) -> float:
    try:
        return duration(environ[key]) if environ.get(key) else default
    except ValueError as error:
        raise UsageError(f"{key} {error}") from None
