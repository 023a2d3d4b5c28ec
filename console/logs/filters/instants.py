"""Points in time as one types them: `10m` ago, `14:30`, `yesterday`, `2026-01-15T10:30Z`."""

import re
from datetime import UTC, datetime, timedelta

__all__ = ["duration_ms", "instant", "instant_text"]

_DAY = 86_400_000.0
_UNITS = {
    "ns": 1e-6,
    "us": 1e-3,
    "µs": 1e-3,
    "μs": 1e-3,
    "ms": 1.0,
    "s": 1e3,
    "m": 60e3,
    "min": 60e3,
    "h": 3_600e3,
    "d": _DAY,
    "w": 7 * _DAY,
}
_PART = r"(\d{1,7}(?:\.\d{1,6})?)(ns|us|µs|μs|ms|min|s|m|h|d|w)"
_DURATION = re.compile(rf"(?:{_PART}){{1,6}}", re.ASCII)
_DURATION_PART = re.compile(_PART, re.ASCII)
_CLOCK = re.compile(r"([01]?\d|2[0-3]):([0-5]\d)(?::([0-5]\d(?:\.\d{1,6})?))?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d.{0,30})?", re.ASCII)
_EPOCH = re.compile(r"\d{9,13}(?:\.\d{1,6})?", re.ASCII)
# Above this a number counts milliseconds: the year 5138 is far away.
_SECONDS_LIMIT = 1e11
_DAYS_BACK = {"today": 0, "yesterday": 1}


def duration_ms(text: str) -> float | None:
    """Return a duration such as `250ms`, `1.5s` or `1h30m` in milliseconds; None if it is none."""
    if not _DURATION.fullmatch(text):
        return None
    parts = _DURATION_PART.findall(text)
    return round(sum(float(count) * _UNITS[unit] for count, unit in parts), 9)


def instant(text: str, now: float) -> float | None:
    """Return the seconds since the epoch, to the microsecond, that `text` names; None if none.

    A duration is that long before `now`. A time of day is the last one that has been, a date its
    midnight; both are in the machine's time zone unless an offset follows.
    """
    try:
        found = _instant(text, now)
        return None if found is None else _whole(found)
    except (ValueError, OverflowError, OSError):
        return None


def instant_text(seconds: float) -> str:
    """Return an instant as `instant` reads it, in UTC."""
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def _instant(text: str, now: float) -> float | None:
    ago = 0.0 if text.lower() == "now" else duration_ms(text)
    if ago is not None:
        return now - ago / 1000
    local_now = datetime.fromtimestamp(now).astimezone()
    if (word := text.lower()) in _DAYS_BACK:
        midnight = local_now.replace(tzinfo=None, hour=0, minute=0, second=0, microsecond=0)
        # Without a zone: two local midnights are not always 24 hours apart.
        return (midnight - timedelta(days=_DAYS_BACK[word])).timestamp()
    if clock := _CLOCK.fullmatch(text):
        return _last(clock, local_now)
    if _EPOCH.fullmatch(text):
        number = float(text)
        return number / 1000 if number > _SECONDS_LIMIT else number
    return datetime.fromisoformat(text).timestamp() if _DATE.fullmatch(text) else None


def _last(clock: re.Match[str], local_now: datetime) -> float:
    hour, minute, second = clock.groups(default="0")
    seconds, _, fraction = second.partition(".")
    at = local_now.replace(
        tzinfo=None,
        hour=int(hour),
        minute=int(minute),
        second=int(seconds),
        microsecond=int(fraction.ljust(6, "0")) if fraction else 0,
        fold=0,
    )
    if at.timestamp() > local_now.timestamp():
        at -= timedelta(days=1)
    return at.timestamp()


def _whole(seconds: float) -> float:
    # As datetime counts, so that an instant written out and read again is the same.
    return datetime.fromtimestamp(seconds, UTC).timestamp()
