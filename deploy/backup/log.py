"""What the command does, on standard error, in the service's log line: the same keys first."""

import json
import os
import socket
import sys
import time
from datetime import UTC, datetime

from deploy.backup.problems import one_line

_INSTANCE = socket.gethostname()
_NULL_KEYS = ("request_id", "method", "path", "status", "duration_ms", "user_id")


def now() -> datetime:
    """This moment, to the second: what names and reports are made of."""
    return datetime.now(UTC).replace(microsecond=0)


def stamp(moment: datetime) -> str:
    """As `2026-01-15T03:00:00Z`."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def milliseconds(since: float) -> float:
    """How long it took, since a `time.monotonic()`."""
    return round((time.monotonic() - since) * 1000, 1)


def info(event: str, **more: object) -> None:
    """Tells what was done."""
    _emit("INFO", event, more)


def warning(event: str, **more: object) -> None:
    """Tells what somebody should look at, though it stopped nothing."""
    _emit("WARNING", event, more)


def error(event: str, **more: object) -> None:
    """Tells what failed."""
    _emit("ERROR", event, more)


def _emit(level: str, event: str, more: dict[str, object]) -> None:
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    record: dict[str, object] = {"timestamp": moment, "level": level, "event": one_line(event)}
    record |= dict.fromkeys(_NULL_KEYS)
    record |= {
        name: one_line(value) if isinstance(value, str) else value for name, value in more.items()
    }
    record |= {"instance": _INSTANCE, "pid": os.getpid()}
    # ASCII only: nothing in a line can drive a terminal.
    print(json.dumps(record), file=sys.stderr, flush=True)
