"""What went wrong and where: an exception's type and its innermost frame in one's own code."""

import re
from collections.abc import Iterable
from typing import Any

from console.logs.records.values import text

__all__ = ["failure"]

# Frames in these folders belong to libraries: the error is looked for in the service's own code.
_FOREIGN = ("site-packages/", "/lib/python", "<frozen ", "node_modules/", "node:", "/pkg/mod/")
_PYTHON = re.compile(r'^ {1,8}File "([^"\n]{1,500})", line (\d{1,9})', re.MULTILINE)
# node: "at f (/a/b.js:1:2)" or "at /a/b.js:1:2"; Java: "at a.b.C.d(C.java:1)"; Go: "\t/a/b.go:1".
_OTHERS = re.compile(
    r"^[ \t]{1,8}(?:at [^\n(]{0,100}\(?(?<=[ (])|(?=/))((?:file://)?[^\s():]{1,200}):(\d{1,9})",
    re.MULTILINE,
)
_TYPE = re.compile(r"([A-Za-z_][\w.$/]{0,200})(?::(?:\s|$)|$)", re.ASCII)
# The end of a traceback is what counts, and the beginning of a stack of node or Java.
_PART = 16_000
_SHOWN = 200


def failure(value: Any) -> str | None:
    """Return `Type in folder/file:line` as far as `value` tells it.

    `value` is a traceback, a message, or an object or list of objects as loggers write them.
    """
    if isinstance(value, list):
        # structlog: the exception itself first, then what caused it.
        value = next((item for item in value if isinstance(item, dict)), None)
    if isinstance(value, str):
        # In logfmt, what says that there was an exception is a text.
        name, place = ("", "") if value in {"True", "true"} else _of_text(value)
    elif isinstance(value, dict):
        name, place = _of_object(value)
    else:
        return None
    if name and place:
        return f"{name} in {place}"
    return name or None


def _of_object(value: dict[Any, Any]) -> tuple[str, str]:
    stack = _first(value, "stack_trace", "stack", "traceback", "stacktrace")
    name, place = _of_text(stack) if isinstance(stack, str) else ("", "")
    told = text(_first(value, "type", "exc_type", "name", "class"))
    if not told and not name:
        name = (text(_first(value, "message", "exc_value", "value")) or "")[:_SHOWN]
    frames = value.get("frames")
    if isinstance(frames, list):
        place = _own(map(_place, reversed(frames)))
    return _short(told) if told else name, place


def _of_text(value: str) -> tuple[str, str]:
    lines = value.strip()
    if "\n" not in lines:
        named = _TYPE.match(lines)
        return _short(named[1]) if named else lines[:_SHOWN], ""
    end = lines[-_PART:]
    frames = [(found[1], found[2], found.end()) for found in _PYTHON.finditer(end)]
    if frames:
        after = end[frames[-1][2] :].split("\n")[1:]
        named = next((n for line in after if (n := _TYPE.match(line))), None)
        return _short(named[1]) if named else "", _own(f"{f}:{n}" for f, n, _ in reversed(frames))
    named = _TYPE.match(lines) or _TYPE.match(lines.rpartition("\n")[2])
    name = _short(named[1]) if named else lines.partition("\n")[0][:_SHOWN]
    return name, _own(f"{f[1]}:{f[2]}" for f in _OTHERS.finditer(lines[:_PART]))


def _own(places: Iterable[str]) -> str:
    """Return the first of `places`, innermost first, that is in no library, or else the first."""
    every = [place for place in places if place]
    own = (place for place in every if not any(mark in place for mark in _FOREIGN))
    place = next(own, every[0] if every else "")
    # Two folders of the path are enough to know the file.
    return "/".join(place.split("/")[-2:])[:_SHOWN]


def _place(frame: Any) -> str:
    """Return `file:line` of a frame told as a `file:line function` text or as an object."""
    if isinstance(frame, str):
        return frame.partition(" ")[0]
    if not isinstance(frame, dict):
        return ""
    file = text(_first(frame, "file", "filename")) or ""
    return f"{file}:{text(_first(frame, 'line', 'lineno')) or ''}"


def _first(found: dict[Any, Any], *names: str) -> Any:
    return next((found[name] for name in names if found.get(name) is not None), None)


def _short(name: str) -> str:
    """Return a type without its module."""
    return name.rpartition(".")[2][:_SHOWN]
