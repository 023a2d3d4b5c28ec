"""What is sure in a line of plain text: its time and level, and the fields of an access line."""

import re
from typing import Any

from console.lines import LINE_LIMIT
from console.logs.records.levels import level

__all__ = ["logfmt", "recognise"]

_LOOKED_AT = 600
_STAMP = (
    r"\d{4}[-/]\d\d[-/]\d\d[T ]\d\d:\d\d:\d\d(?:[.,]\d{1,9})?(?: ?(?:Z|UTC|[+-]\d\d:?\d\d)(?!\w))?"
)
_SYSLOG = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
_START = re.compile(rf"(?:<(\d{{1,3}})>)?(?:1 (?=\d{{4}}))?\[?({_STAMP}|{_SYSLOG})(?!\w)", re.ASCII)
_ACCESS = re.compile(
    r"(\S{1,255}) \S{1,80} \S{1,80} \[(\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]{9,18})\] "
    r'"([A-Z]{1,20}) (\S{1,600})[^"]{0,20}" (\d{3})(?!\d)',
    re.ASCII,
)
_NAMES = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|ALERT|EMERG|PANIC|SEVERE"
# In capitals anywhere near the beginning, in any case where nothing else stands before it.
_CAPITALS = re.compile(rf"(?<![\w./=-])(?:{_NAMES}|LOG(?=:))(?![\w./=-]|:\w)", re.ASCII)
_BRACKETED = re.compile(rf"\s*\[({_NAMES})\]", re.ASCII | re.IGNORECASE)
_LEADING = re.compile(rf"\s*\[?({_NAMES})(?:\]|:|\s)", re.ASCII)
_NEAR = 100

# Only behind a space: a text without any would be tried from each of its letters.
_PAIR = re.compile(r'(?<!\S)([^\s="]{1,200})=(?:"((?:[^"\\]|\\.)*)"|([^\s"]*))(?=\s|$)')
_TELLING = re.compile(r"(?:^|\s)(?:level|lvl|severity|msg|message)=", re.ASCII)
_FIRST = re.compile(r"[A-Za-z_@][\w.@/-]{0,80}=", re.ASCII)
_PAIRS = 500
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r"}


def recognise(text: str) -> dict[str, Any]:
    """Return the fields that are sure in a text, under the names of the contract."""
    start = text[:_LOOKED_AT]
    if access := _ACCESS.match(start):
        client, time, method, path, status = access.groups()
        return {
            "client": client,
            "timestamp": time,
            "method": method,
            "path": path,
            "status": int(status),
        }
    found: dict[str, Any] = {}
    rest = start
    if began := _START.match(start):
        priority, found["timestamp"] = began.groups()
        if priority:
            found["level"] = int(priority) % 8
        rest = start[began.end() :].removeprefix("]")[:_NEAR]
        said = _BRACKETED.match(rest) or _CAPITALS.search(rest)
    else:
        said = _LEADING.match(rest)
    if said and "level" not in found:
        found["level"] = level(said[said.lastindex or 0])
    return found


def logfmt(text: str) -> dict[str, str] | None:
    """Return the fields of a `key=value key="a value"` line; None when it is not one for sure."""
    if not _FIRST.match(text) or not _TELLING.search(text, 0, _LOOKED_AT):
        return None
    found: dict[str, str] = {}
    for number, pair in enumerate(_PAIR.finditer(text[:LINE_LIMIT])):
        if number >= _PAIRS:
            break
        key, quoted, bare = pair.groups()
        found[key] = bare if quoted is None else _ESCAPES.sub(_resolve, quoted)
    return found


def _resolve(escape: re.Match[str]) -> str:
    return _SHORT.get(escape[1], escape[1])
