"""One JSON object a line, the same nine keys first, for everything the process says.

structlog, the standard library's loggers (Hypercorn, SQLAlchemy, Alembic, asyncio), warnings and
uncaught exceptions all end in `emit`, so no other shape reaches the stream.
"""

import logging
import os
import re
import socket
import sys
import threading
import traceback
from collections import deque
from collections.abc import Mapping, MutableMapping
from contextvars import ContextVar
from functools import lru_cache
from time import gmtime, monotonic, strftime, time
from types import TracebackType
from typing import Any, TextIO

import msgspec
import structlog

from service.observability.plain import plain, plain_text
from service.observability.redaction import redact, redact_text
from service.observability.writer import FLUSH_LIMIT, FileTarget, StreamTarget, Tell, Writer

KEYS = (
    "timestamp",
    "level",
    "event",
    "request_id",
    "method",
    "path",
    "status",
    "duration_ms",
    "user_id",
)
FRAMES_KEPT = 20
# Docker and containerd split what is longer than 16 KiB, journald what is longer than 48.
LONGEST = 16_000
# Texts of so many characters, and so many values, until a line is no longer than that.
CUTS = ((2000, 200), (500, 100), (100, 50), (40, 20))

# C0, DEL, C1, bidirectional controls and line separators: what could drive a terminal or forge.
UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff\ud800-\udfff]"
)

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)
"""The request this task serves; every line logged meanwhile carries it."""

_encoder = msgspec.json.Encoder(enc_hook=repr)
_instance = socket.gethostname()
_outputs: list[tuple["Renderer", Writer]] = []


class Renderer:
    """How a record becomes a line; `b"\\n"` ends it and occurs nowhere else in it."""

    def __call__(self, record: Mapping[str, Any]) -> bytes:
        """The record as one line of JSON, no longer than `LONGEST`, in which nothing can drive a
        terminal."""
        try:
            line = _encoder.encode(record)
        except Exception:  # whatever an object in it raises, or a lone surrogate in a text
            line = _encoder.encode(_without_surrogates(plain(record, redacted=True)))
        if not line.isascii() or b"\x7f" in line:
            line = UNPRINTABLE.sub(_escaped, line.decode()).encode()
        if len(line) >= LONGEST:
            line = _shortened(record)
        return line + b"\n"


class ConsoleRenderer(Renderer):
    """For a person in development: the same record, in columns."""

    COLOURS: Mapping[str, str] = {"DEBUG": "2", "WARNING": "33", "ERROR": "31", "CRITICAL": "31;1"}

    def __init__(self, *, colour: bool) -> None:
        self._colour = colour

    def __call__(self, record: Mapping[str, Any]) -> bytes:
        """The record as columns; a request shows its method, path, status and duration."""
        clock = record["timestamp"][11:23]
        said = record["event"]
        if record["method"]:
            said = f"{record['method']} {record['path']} {record['status']}"
            said += f" {record['duration_ms']} ms"
        elif record.get("logger"):
            said = f"{record['logger']}: {said}"
        rest = {
            name: value
            for name, value in record.items()
            if value is not None and name not in HIDDEN_ON_CONSOLE
        }
        line = f"{clock} {record['level']:<8} {said}"
        line += "".join(f" {name}={_shown(value)}" for name, value in rest.items())
        if exception := record.get("exception"):
            line += f" {exception['type']}: {exception['message']}"
            line += "".join(f" < {frame}" for frame in reversed(exception["frames"][-3:]))
        line = plain_text(line, LONGEST // 4, redacted=True)
        line = UNPRINTABLE.sub(lambda match: f"\\x{ord(match[0]):02x}", line)
        colour = self.COLOURS.get(record["level"]) if self._colour else None
        return f"\x1b[{colour}m{line}\x1b[0m\n".encode() if colour else f"{line}\n".encode()


HIDDEN_ON_CONSOLE = frozenset(
    {*KEYS, "route", "client", "instance", "pid", "logger", "exception"} - {"request_id", "user_id"}
)


def _escaped(match: re.Match[str]) -> str:
    return f"\\u{ord(match[0]):04x}"


def _shortened(record: Mapping[str, Any]) -> bytes:
    line = b""
    for limit, items in CUTS:
        short = _without_surrogates(plain(record, limit, items, redacted=True))
        line = UNPRINTABLE.sub(_escaped, _encoder.encode(short).decode()).encode()
        if len(line) < LONGEST:
            break
    return line


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    if isinstance(value, Mapping):
        return {
            _without_surrogates(name): _without_surrogates(inner) for name, inner in value.items()
        }
    if isinstance(value, list):
        return [_without_surrogates(inner) for inner in value]
    return value


def _shown(value: object) -> str:
    return value if isinstance(value, str) else _encoder.encode(value).decode()


def configure(*, level: str, fmt: str, file: str = "", stream: TextIO | None = None) -> None:
    """Sends every logger to `stream` (standard output) in `fmt` (`json` or `console`), and to
    `file` as JSON.

    May be called again, as each Gunicorn worker does after its fork.
    """
    flush()
    before = list(_outputs)
    outputs = []
    if stream := stream or sys.stdout:  # None where it was closed at the start
        renderer = ConsoleRenderer(colour=stream.isatty()) if fmt == "console" else Renderer()
        target = StreamTarget(stream.fileno())
        outputs.append((renderer, Writer(target, tell=_telling(renderer))))
    if file:
        outputs.append((Renderer(), Writer(FileTarget(file), tell=_telling(Renderer()))))
    _outputs[:] = outputs
    for _, writer in before:
        writer.end()
    number = logging.getLevelNamesMapping()[level.upper()]
    root = logging.getLogger()
    root.handlers[:] = [_StandardLibraryHandler()]
    root.setLevel(number)
    # At debug these speak of every call they make, which buries what the service itself says.
    for noisy in ("asyncio", "hypercorn", "alembic"):
        logging.getLogger(noisy).setLevel(max(number, logging.INFO))
    # SQLAlchemy names a pool's logger after the module of its class.
    for noisier in ("sqlalchemy", "alembic.runtime.plugins", "service.database.pool"):
        logging.getLogger(noisier).setLevel(max(number, logging.WARNING))
    logging.captureWarnings(capture=True)
    structlog.configure(
        processors=[structlog.stdlib.add_log_level, _to_emit],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        cache_logger_on_first_use=True,
    )
    sys.excepthook = _log_uncaught
    threading.excepthook = _log_uncaught_in_thread


def _telling(renderer: Renderer) -> Tell:
    def tell(level: str, event: str, /, **more: object) -> bytes:
        return renderer(record(level, event, logger=__name__, **more))

    return tell


def flush(limit: float = FLUSH_LIMIT) -> None:
    """Returns once every line emitted so far is written, or after `limit` seconds.

    A signal handler may call it, whatever it interrupted.
    """
    deadline = monotonic() + limit
    for _, writer in _outputs:
        writer.flush(max(0.0, deadline - monotonic()))


def emit(given: MutableMapping[str, Any]) -> None:
    """Writes one record, its keys already in order and free of secrets. Never waits or raises."""
    for renderer, writer in _outputs:
        try:
            line = renderer(given)
        except Exception as error:
            line = renderer(
                record("ERROR", "a log line could not be made", why=type(error).__name__)
            )
        writer.write(line)


def record(level: str, event: str, **more: Any) -> dict[str, Any]:
    """A record of this moment: the nine keys, null where they do not apply, then `more`."""
    now = time()
    made: dict[str, Any] = {
        "timestamp": f"{_second(int(now))}.{int(now % 1 * 1000):03d}Z",
        "level": level,
        "event": event,
        "request_id": request_id.get(),
        "method": None,
        "path": None,
        "status": None,
        "duration_ms": None,
        "user_id": None,
    }
    made.update(more)
    made["instance"] = _instance
    made["pid"] = os.getpid()
    return made


@lru_cache(maxsize=2)
def _second(moment: int) -> str:
    return strftime("%Y-%m-%dT%H:%M:%S", gmtime(moment))


def exception_fields(error: BaseException) -> dict[str, Any]:
    """Type, message and frames (`file:line function`, innermost last), without local values."""
    # Not `extract_tb`, which looks at each source file on the disk.
    frames = deque(traceback.walk_tb(error.__traceback__), FRAMES_KEPT)
    return {
        "type": type(error).__qualname__,
        # PostgreSQL's DETAIL repeats the row, and with it somebody's address or password hash.
        "message": redact_text(plain_text(error).partition("\nDETAIL:")[0]),
        "frames": [
            f"{frame.f_code.co_filename}:{line} {frame.f_code.co_name}" for frame, line in frames
        ],
    }


def _to_emit(_logger: object, _method: str, event: MutableMapping[str, Any]) -> Any:
    error = event.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    given = {name: value for name, value in event.items() if name not in {"event", "level"}}
    more = redact(plain(given))
    if isinstance(error, BaseException):
        more["exception"] = exception_fields(error)
    emit(record(event["level"].upper(), redact_text(plain_text(event["event"])), **more))
    raise structlog.DropEvent


class _StandardLibraryHandler(logging.Handler):
    def emit(self, log_record: logging.LogRecord) -> None:
        try:
            message = log_record.getMessage()
        except Exception:  # arguments that do not fit their format, or that raise
            message = log_record.msg
        more: dict[str, Any] = {"logger": log_record.name}
        if log_record.exc_info and log_record.exc_info[1]:
            more["exception"] = exception_fields(log_record.exc_info[1])
        emit(record(log_record.levelname, redact_text(plain_text(message)), **more))


def _log_uncaught(
    kind: type[BaseException], error: BaseException, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        sys.__excepthook__(kind, error, trace)
        return
    fields = exception_fields(error.with_traceback(trace))
    emit(record("CRITICAL", "uncaught exception", exception=fields))


def _log_uncaught_in_thread(arguments: threading.ExceptHookArgs) -> None:
    if arguments.exc_value is not None:
        _log_uncaught(arguments.exc_type, arguments.exc_value, arguments.exc_traceback)
