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
_SYSLOG = r"[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{1,9})?"
# Those of Django, of Apache, and the seconds since 1970 of zap's console.
_RARE = (
    r"\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d"
    r"|[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d(?:\.\d{6})? \d{4}"
    r"|1\.\d{6,18}e\+09(?=\t)"
)
# `<13>` and `1 ` of syslog, `I, ` of Ruby.
_START = re.compile(
    rf"(?:<(\d{{1,3}})>)?(?:1 (?=\d{{4}})|[A-Z], )?\[?({_STAMP}|{_SYSLOG}|{_RARE})(?!\w)", re.ASCII
)
# A time of no day tells where the level is, and no more.
_CLOCK = re.compile(r"\[?(?:\d\d:\d\d:\d\d(?:[.,]\d{1,9})?Z?|\d{1,2}:\d\d[AP]M)\]?(?=\s)", re.ASCII)
_KLOG = re.compile(
    r"([IWEF])(\d\d)(\d\d) (\d\d:\d\d:\d\d)\.\d{6} +\d{1,9} [\w./-]{1,100}:\d{1,7}\]", re.ASCII
)
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_ACCESS = re.compile(
    r"(\S{1,255}) \S{1,80} \S{1,80} \[(\d\d/[A-Z][a-z]{2}/\d{4}:[^\]]{9,18})\] "
    r'"([A-Z]{1,20}) (\S{1,600})[^"]{0,20}" (\d{3})(?!\d)',
    re.ASCII,
)
# As uvicorn and Django tell of requests, anywhere near the beginning.
_REQUEST = re.compile(r'"([A-Z]{3,20}) (\S{1,500}) HTTP/[\d.]{1,3}" (\d{3})(?!\d)', re.ASCII)
_NAMES = "TRACE|DEBUG|INFO|NOTICE|WARN|WARNING|ERROR|CRITICAL|FATAL|ALERT|EMERG|PANIC|SEVERE"
_SHORT_NAMES = "INF|WRN|ERR|DBG|FTL|TRC|VRB|PNC|CRIT|FAIL|DBUG|TRCE|SUCCESS|VERBOSE|SILLY"
# In capitals anywhere near the beginning, in any case where nothing else stands before it.
_CAPITALS = re.compile(rf"(?<![\w./=-])(?:{_NAMES}|LOG(?=:))(?![\w./=-]|:\w)", re.ASCII)
_BRACKETED = re.compile(
    rf"[\s|]*\[(?:[\w.]{{1,40}}:)?({_NAMES}|{_SHORT_NAMES})\s*\]", re.ASCII | re.IGNORECASE
)
_NEXT = re.compile(
    rf"[\s|-]{{1,8}}(?:[\w-]{{1,40}}\.(?=[A-Z]))?({_NAMES}|{_SHORT_NAMES})(?=:|\t|\s*\|)",
    re.ASCII | re.IGNORECASE,
)
_NEXT_SHORT = re.compile(rf"[\s|]{{1,8}}({_SHORT_NAMES})(?=[\s\]])", re.ASCII)
# Celery has the process behind it.
_OF_PROCESS = re.compile(rf": ({_NAMES})/[\w-]{{1,80}}\]", re.ASCII)
_LEADING = re.compile(
    rf"\s*(?:\[({_NAMES})\]|({_NAMES}|INFO|WARN|ERRO|DEBU|FATA|PANI)(?=[:\s\[])"
    rf"|(?i:({_NAMES}|fail|crit|dbug|trce|verbose|silly)):(?=\s))",
    re.ASCII,
)
_AFTER_LEVEL = re.compile(rf"[\s\[-]{{1,8}}({_STAMP})(?!\w)", re.ASCII)
_COLOURS = re.compile(r"\x1b\[[\d;]{0,20}m")
_NEAR = 100

# Only behind a space: a text without any would be tried from each of its letters.
# Once a value has been found it stays so: else a line could be taken apart in endless ways.
_VALUE = r"""(?>"((?:[^"\\]|\\.)*)"(?=\s|$)|'((?:[^'\\]|\\.)*)'(?=\s|$)|([^\s"]*)(?=\s|$))"""
_PAIR = re.compile(rf'(?<!\S)([^\s="]{{1,200}})={_VALUE}')
_TELLING = re.compile(r"(?:^|\s)(?:level|lvl|severity|event|msg|message)=", re.ASCII)
_FIRST = re.compile(r"[A-Za-z_@][\w.@/-]{0,80}=", re.ASCII)
# Without any of those names, nothing but pairs must be there.
_ONLY = re.compile(rf"(?:[A-Za-z_@][\w.@/-]{{0,80}}={_VALUE}\s*){{3,}}+", re.ASCII)
_PAIRS = 500
_ESCAPES = re.compile(r"\\(.)", re.DOTALL)
_SHORT = {"n": "\n", "t": "\t", "r": "\r"}
_LETTERS = {"I": "info", "W": "warning", "E": "error", "F": "critical"}


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
    if "\x1b" in start:
        start = _COLOURS.sub("", start)
    found = _stamped(start)
    if "HTTP/" in start and (request := _REQUEST.search(start)):
        method, path, status = request.groups()
        found |= {"method": method, "path": path, "status": int(status)}
    return found


def _stamped(start: str) -> dict[str, Any]:
    """Return time and level of a line that begins like this."""
    if began := _START.match(start):
        priority, stamp = began.groups()
        found: dict[str, Any] = {"timestamp": stamp}
        if priority:
            return found | {"level": int(priority) % 8}
        rest = start[began.end() :].removeprefix("]")[:_NEAR]
    elif clock := _CLOCK.match(start):
        found, rest = {}, start[clock.end() :][:_NEAR]
    elif klog := _KLOG.match(start):
        letter, month, day, time = klog.groups()
        name = _MONTHS[min(max(int(month), 1), 12) - 1]
        return {"timestamp": f"{name} {day} {time}", "level": _LETTERS[letter]}
    else:
        return _leading(start)
    said = (
        _BRACKETED.match(rest)
        or _NEXT.match(rest)
        or _NEXT_SHORT.match(rest)
        or _OF_PROCESS.match(rest)
        or _CAPITALS.search(rest)
        or _BRACKETED.search(rest)
    )
    if said:
        found["level"] = level(said[said.lastindex or 0])
    return found


def _leading(start: str) -> dict[str, Any]:
    """Return the level that stands first, and the time behind it, if there is one."""
    said = _LEADING.match(start)
    if not said:
        return {}
    found: dict[str, Any] = {"level": level(said[said.lastindex or 0])}
    if stamp := _AFTER_LEVEL.match(start, said.end()):
        found["timestamp"] = stamp[1]
    return found


def logfmt(text: str) -> dict[str, str] | None:
    """Return the fields of a `key=value key="a value"` line; None when it is not one for sure."""
    if not _FIRST.match(text):
        return None
    if not _TELLING.search(text, 0, _LOOKED_AT) and not _ONLY.fullmatch(text, 0, _LOOKED_AT):
        return None
    found: dict[str, str] = {}
    for number, pair in enumerate(_PAIR.finditer(text[:LINE_LIMIT])):
        if number >= _PAIRS:
            break
        key, double, single, bare = pair.groups()
        quoted = single if double is None else double
        found[key] = bare if quoted is None else _ESCAPES.sub(_resolve, quoted)
    return found


def _resolve(escape: re.Match[str]) -> str:
    return _SHORT.get(escape[1], escape[1])
