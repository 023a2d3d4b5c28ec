"""When a line was written, in every notation that loggers use."""

import math
import re
import time
from bisect import bisect_left
from collections.abc import Iterable
from datetime import UTC, datetime
from itertools import chain, groupby, repeat, starmap
from operator import itemgetter
from typing import Any, cast

__all__ = [
    "Runs",
    "as_runs",
    "expanded",
    "instant",
    "instants",
    "likely_instant",
    "runs_of",
    "whole_seconds",
]

# Above these, a number is not one of seconds, milliseconds, microseconds: the year 5138 is far.
_SCALES = ((1e11, 1), (1e14, 1_000), (1e17, 1_000_000), (1e20, 1_000_000_000))
_CACHED = 4096
_LONGEST = 40
_UNKNOWN = math.nan
_USUAL = len("2026-01-15T10:30:00.123Z")
# So many lines a second.
_DENSE = 4
_to_the_second = itemgetter(slice(19))

_NUMBER = re.compile(r"\d{9,20}(?:\.\d{1,12})?|\d\.\d{1,18}e\+?\d\d", re.ASCII)
_SECOND = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d", re.ASCII)
_MILLISECONDS = re.compile(r"[.,]\d{3}", re.ASCII)
_REST = re.compile(r"(\d{0,6})(?:Z|([+-])(\d\d):?(\d\d))", re.ASCII)
_DATE_AND_TIME = re.compile(
    # structlog's documents have a point before the seconds.
    r"(\d{4})([-/])(\d\d)\2(\d\d)[T ](\d\d:\d\d[:.]\d\d)(?:[.,](\d{1,12}))?"
    r" ?(UTC|GMT|Z|[+-]\d\d:?\d\d)?",
    re.ASCII,
)
_SYSLOG = re.compile(r"([A-Z][a-z]{2}) ([ \d]\d) (\d\d):(\d\d):(\d\d)(?:\.\d{1,9})?", re.ASCII)
# Those of access logs, of Django, of Apache's errors, and of the documents of Python's logging.
_OTHERS = (
    (r"\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d [+-]\d{4}", "%d/%b/%Y:%H:%M:%S %z"),
    (r"\d\d/[A-Z][a-z]{2}/\d{4} \d\d:\d\d:\d\d", "%d/%b/%Y %H:%M:%S"),
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d\.\d{6} \d{4}", "%a %b %d %H:%M:%S.%f %Y"),
    (r"[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}", "%a %b %d %H:%M:%S %Y"),
    (r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d [AP]M", "%m/%d/%Y %I:%M:%S %p"),
)
_FORMS = [(re.compile(pattern, re.ASCII), form) for pattern, form in _OTHERS]
# 1973: what is less is a count of something.
_LIKELY = 1e8
_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_DAY = 86_400


Runs = list[tuple[float | None, int]]
"""Whole seconds, None where no time is told, each with how many lines in a row have it."""


class _Cache(dict[str, float]):
    """Values of parts of times; NaN for a part that must be looked at as a whole."""

    def __missing__(self, part: str) -> float:
        if len(part) > _LONGEST:
            return _UNKNOWN
        if len(self) >= _CACHED:
            self.clear()
        value = self[part] = self.value(part)
        return value

    def value(self, part: str) -> float:
        raise NotImplementedError


class _Seconds(_Cache):
    def value(self, part: str) -> float:
        if not _SECOND.fullmatch(part):
            return _UNKNOWN
        try:
            return datetime.fromisoformat(part).replace(tzinfo=UTC).timestamp()
        except ValueError:
            return _UNKNOWN


class _Milliseconds(_Cache):
    def value(self, part: str) -> float:
        if part == "Z":
            return 0.0
        return int(part[1:]) / 1e3 if _MILLISECONDS.fullmatch(part) else _UNKNOWN


class _Rest(_Cache):
    def value(self, part: str) -> float:
        # Nothing may follow a "Z" where the milliseconds would stand.
        if not part:
            return 0.0
        found = _REST.fullmatch(part)
        if not found:
            return _UNKNOWN
        digits, sign, hours, minutes = found.groups()
        fraction = int(digits) / 10 ** (len(digits) + 3) if digits else 0.0
        if not sign:
            return fraction
        offset = int(hours) * 3600 + int(minutes) * 60
        return fraction + (offset if sign == "-" else -offset)


class _Fractions(_Cache):
    def value(self, part: str) -> float:
        return _milliseconds[part[:4]] + _rest[part[4:]]


# A log has the same second, the same thousand milliseconds and the same zone again and again.
_seconds, _milliseconds, _rest = _Seconds(), _Milliseconds(), _Rest()
_fractions = _Fractions()


def instant(value: Any) -> float | None:
    """Return seconds since the epoch; None for what is no time.

    Numbers, also as text, are s, ms, µs or ns by their size. Without an offset, a time is local.
    """
    if type(value) is str:
        # ".123" without a zone has an empty rest, as "Z" has; it is a local time.
        if value[23:] or value[19:] == "Z":
            at = _seconds[value[:19]] + (_milliseconds[value[19:23]] + _rest[value[23:]])
            if not math.isnan(at):
                return at
        return _text(value.strip()) if len(value) <= _LONGEST else None
    if type(value) is int or type(value) is float:
        return _number(value)
    if isinstance(value, dict):
        return _protobuf(value)
    return None


def likely_instant(value: Any) -> float | None:
    """Return `instant` of what has a name that may as well be one of something else."""
    at = instant(value)
    return at if at is not None and at > _LIKELY else None


def instants(values: list[Any]) -> list[float | None]:
    """Return `instant` of each value."""
    found: list[float]
    try:
        lengths = set(map(len, values))
        if lengths == {_USUAL}:
            found = [_seconds[value[:19]] + _fractions[value[19:]] for value in values]
        elif min(lengths) >= _USUAL:
            found = [
                _seconds[value[:19]] + (_milliseconds[value[19:23]] + _rest[value[23:]])
                for value in values
            ]
        else:
            return list(map(instant, values))
    except (TypeError, KeyError, ValueError):
        # Something that is no text is among them.
        return list(map(instant, values))
    return list(map(instant, values)) if math.isnan(sum(found)) else list(found)


def whole_seconds(values: list[str]) -> list[float | None]:
    """Return `instant` of each text, rounded down."""
    if _are_usual(values):
        found = list(map(_seconds.__getitem__, map(_to_the_second, values)))
        if not math.isnan(sum(found)):
            return cast("list[float | None]", found)
    return [None if at is None else at // 1 for at in instants(values)]


def runs_of(values: list[str]) -> Runs:
    """Return `whole_seconds` of texts as runs."""
    if values and _are_dense(values):
        found: Runs = []
        start = 0
        while start < len(values):
            second = values[start][:19]
            # Above the point or comma that follows the second.
            end = max(bisect_left(values, f"{second}~", start), start + 1)
            found.append((_seconds[second], end - start))
            start = end
        if _are_usual(values) and not math.isnan(sum(at or 0.0 for at, _ in found)):
            return found
    return as_runs(whole_seconds(values))


def as_runs(seconds: Iterable[float | None]) -> Runs:
    """Put the same seconds together where they follow each other."""
    return [(at, len(list(same))) for at, same in groupby(seconds)]


def expanded(runs: Runs) -> list[float | None]:
    """Return one second for each line."""
    return list(chain.from_iterable(starmap(repeat, runs)))


def _are_dense(values: list[str]) -> bool:
    """Tell whether the texts ascend, with many of the same second."""
    span = _seconds[values[-1][:19]] - _seconds[values[0][:19]]
    return span * _DENSE < len(values) and sorted(values) == values


def _are_usual(values: list[str]) -> bool:
    """Tell whether every text has milliseconds and a "Z" behind what should be the second."""
    # Every so many characters of all of them: several times as fast as to look at each. One that
    # is longer or shorter would put digits of the next one's second where these should be.
    every = "".join(values)
    if len(every) != len(values) * _USUAL:
        return False
    digits = every[20::_USUAL] + every[21::_USUAL] + every[22::_USUAL]
    points, zones = set(every[19::_USUAL]), set(every[23::_USUAL])
    return points <= {".", ","} and zones == {"Z"} and digits.isascii() and digits.isdigit()


def _number(value: float) -> float | None:
    if value < 0:
        return None
    for limit, scale in _SCALES:
        if value <= limit:
            return value / scale
    return None


def _text(value: str) -> float | None:
    if found := _DATE_AND_TIME.fullmatch(value):
        year, _, month, day, clock, fraction, zone = found.groups()
        zone = "+00:00" if zone in {"UTC", "GMT", "Z"} else zone or ""
        clock = clock.replace(".", ":")
        text = f"{year}-{month}-{day}T{clock}.{(fraction or '0')[:6]:<06}{zone}"
        return _timestamp(text, "")
    if _NUMBER.fullmatch(value):
        return _number(float(value) if "." in value else int(value))
    for pattern, form in _FORMS:
        if pattern.fullmatch(value):
            return _timestamp(value, form)
    if found := _SYSLOG.fullmatch(value):
        return _without_year(*found.groups())
    return None


def _timestamp(text: str, form: str) -> float | None:
    try:
        found = datetime.strptime(text, form) if form else datetime.fromisoformat(text)  # noqa: DTZ007
        return found.timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _without_year(month: str, day: str, *clock: str) -> float | None:
    """Return the newest such time that is not more than a day ahead."""
    if month not in _MONTHS:
        return None
    now = time.time()
    for year in (time.localtime(now).tm_year + 1 - ago for ago in range(3)):
        text = f"{year}-{_MONTHS.index(month) + 1:02}-{int(day):02}T{':'.join(clock)}"
        at = _timestamp(text, "")
        if at is not None and at <= now + _DAY:
            return at
    return None


def _protobuf(value: dict[Any, Any]) -> float | None:
    """Return the time of Google's `{"seconds": …, "nanos": …}`, or of Log4j's like it."""
    seconds = value.get("seconds", value.get("epochSecond"))
    nanos = value.get("nanos", value.get("nanoOfSecond", 0))
    if isinstance(seconds, str) and seconds.isascii() and seconds.isdigit() and len(seconds) < 13:
        seconds = int(seconds)
    if type(seconds) is not int or not 0 <= seconds <= _SCALES[0][0]:
        return None
    return seconds + (nanos / 1e9 if type(nanos) is int and 0 <= nanos < 10**9 else 0.0)
