"""One log line, understood: a JSON object's well-known fields, or plain text."""

from datetime import datetime
from typing import Any

import msgspec

from console.lines import Line

__all__ = ["LEVELS", "Record", "decode", "pretty", "rank"]

LEVELS = ("debug", "info", "warning", "error", "critical")

_SYNONYMS = {"trace": "debug", "warn": "warning", "err": "error", "fatal": "critical"}
_RANKS = {name: index for index, name in enumerate(LEVELS)} | {
    synonym: LEVELS.index(name) for synonym, name in _SYNONYMS.items()
}
# Above this a number of seconds is taken for one of milliseconds: the year 5138 is far away.
_SECONDS_LIMIT = 1e11
# Frames in these folders belong to libraries: the error is looked for in the service's own code.
_FOREIGN = ("site-packages/", "/lib/python", "<frozen ")


class _Fields(msgspec.Struct, gc=False):
    """The names that are looked for; every other field is skipped without being built."""

    timestamp: Any = None
    time: Any = None
    ts: Any = None
    at_timestamp: Any = msgspec.field(default=None, name="@timestamp")
    level: Any = None
    severity: Any = None
    levelname: Any = None
    event: Any = None
    message: Any = None
    msg: Any = None
    request_id: Any = None
    method: Any = None
    path: Any = None
    route: Any = None
    status: Any = None
    duration_ms: Any = None
    user_id: Any = None
    exception: Any = None


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A log line. Fields that it does not have, or has in another type, are None or empty.

    `at` is in seconds since the epoch, `duration` in milliseconds, `level` one of LEVELS or "".
    `size` is the length of the whole line in bytes, of which `raw` may be only the beginning.
    """

    raw: bytes
    size: int
    at: float | None = None
    level: str = ""
    event: str = ""
    request_id: str = ""
    method: str = ""
    path: str = ""
    route: str = ""
    status: int | None = None
    duration: float | None = None
    failure: str = ""
    structured: bool = False


_decoder = msgspec.json.Decoder(_Fields)


def decode(line: Line) -> Record:
    """Understand one line; never fails: what is not a JSON object is a text record."""
    raw, size = line
    if raw.endswith(b"\r"):
        raw = raw[:-1]
    # A writer that keeps its offset through a truncation leaves a hole of NULs before its line.
    raw = raw.lstrip(b"\0") or raw
    try:
        fields = _decoder.decode(raw)
    except (msgspec.DecodeError, RecursionError, UnicodeDecodeError):
        return Record(raw=raw, size=size, event=raw.decode("utf-8", "backslashreplace"))
    failure, where = _failure(fields.exception)
    return Record(
        raw=raw,
        size=size,
        at=_instant(_first(fields.timestamp, fields.time, fields.ts, fields.at_timestamp)),
        level=_level(_first(fields.level, fields.severity, fields.levelname)),
        event=_text(_first(fields.event, fields.message, fields.msg)),
        request_id=_text(fields.request_id),
        method=_text(fields.method),
        path=_text(fields.path),
        route=_text(fields.route),
        status=fields.status if type(fields.status) is int else None,
        duration=_number(fields.duration_ms),
        failure=f"{failure} in {where}" if failure and where else failure,
        structured=True,
    )


def rank(level: str) -> int:
    """Return how severe a level is: debug 0 to critical 4, and info's 1 for an unknown one."""
    return _RANKS.get(level, 1)


def pretty(record: Record) -> str:
    """Return the record's JSON with indentation, duplicate keys and all, or its text."""
    if record.structured:
        return msgspec.json.format(record.raw, indent=2).decode("utf-8", "backslashreplace")
    return record.event


def _first(*values: Any) -> Any:
    for value in values:
        if value is not None:
            return value
    return None


def _text(value: Any) -> str:
    if value is None or isinstance(value, str):
        return value or ""
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError, OverflowError):
        return "(unreadable)"


def _number(value: Any) -> float | None:
    return float(value) if type(value) is float or type(value) is int else None


def _level(value: Any) -> str:
    if type(value) is int:
        # The scale of pino and bunyan: 10 trace to 60 fatal.
        return LEVELS[min(max(value // 10 - 2, 0), 4)]
    name = value.lower() if isinstance(value, str) else ""
    return _SYNONYMS.get(name, name) if name in _RANKS else ""


def _instant(value: Any) -> float | None:
    if type(value) is float or type(value) is int:
        seconds = value / 1000 if abs(value) > _SECONDS_LIMIT else float(value)
        return seconds if 0 <= seconds <= _SECONDS_LIMIT else None
    if not isinstance(value, str):
        return None
    try:
        return datetime.fromisoformat(value).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _failure(exception: Any) -> tuple[str, str]:
    """Return an exception's type and the place of its innermost frame, as far as they are told."""
    if isinstance(exception, str):
        # A traceback ends with "Type: message".
        last = exception.rstrip().rpartition("\n")[2]
        return last.partition(":")[0].strip().rpartition(".")[2], ""
    if not isinstance(exception, dict):
        return "", ""
    frames = exception.get("frames")
    places = [_place(frame) for frame in frames] if isinstance(frames, list) else []
    own = [place for place in places if not any(mark in place for mark in _FOREIGN)]
    # Innermost last, as in a traceback; two folders of the path are enough to know the file.
    place = next(iter((own or places)[-1:]), "")
    return _text(exception.get("type")).rpartition(".")[2], "/".join(place.split("/")[-2:])


def _place(frame: Any) -> str:
    """Return `file:line` of a frame told as a `file:line function` text or as an object."""
    if isinstance(frame, str):
        return frame.partition(" ")[0]
    if not isinstance(frame, dict):
        return ""
    file = _text(_first(frame.get("file"), frame.get("filename")))
    return f"{file}:{_text(_first(frame.get('line'), frame.get('lineno')))}"
