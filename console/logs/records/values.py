"""Single values of a line, brought into one type and one unit; None is what cannot be."""

import math
import re
from typing import Any

import msgspec

__all__ = [
    "Milliseconds",
    "journal_text",
    "json_text",
    "request_method",
    "request_path",
    "status",
    "text",
]

_NUMBER = re.compile(r"-?\d{1,15}(?:\.\d{1,15})?", re.ASCII)
_SPAN = re.compile(
    r"(?:(\d{1,9})h)?(?:(\d{1,9})m(?!s))?(?:(\d{1,15}(?:\.\d{1,15})?)(ns|us|µs|μs|ms|s))?"
)
_REQUEST = re.compile(r"([A-Z]{1,20}) (\S{1,8000}) HTTP/[\d.]{1,3}", re.ASCII)
_NANOSECONDS = 1_000_000
_UNITS = {"ns": 1e-6, "us": 1e-3, "µs": 1e-3, "μs": 1e-3, "ms": 1.0, "s": 1e3}


def text(value: Any) -> str | None:
    """Return a text, or a number or truth value as JSON has it."""
    if isinstance(value, str):
        return value or None
    if value is None or isinstance(value, list | dict):
        return None
    return json_text(value)


def json_text(value: Any) -> str | None:
    """Return a text as it is and anything else as compact JSON."""
    if value is None or isinstance(value, str):
        return value or None
    try:
        return msgspec.json.encode(value).decode()
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError, OverflowError):
        return "(unreadable)"


def journal_text(value: Any) -> str | None:
    """Return a text without the newline at its end; journald has what is not UTF-8 as numbers."""
    if isinstance(value, str):
        return text(value.removesuffix("\n"))
    if not isinstance(value, list):
        return None
    try:
        return bytes(value).decode("utf-8", "backslashreplace") or None
    except (TypeError, ValueError):
        return json_text(value)


def request_method(value: Any) -> str | None:
    """Return the method of a request line such as `GET /users HTTP/1.1`."""
    found = _REQUEST.fullmatch(value) if isinstance(value, str) else None
    return found[1] if found else None


def request_path(value: Any) -> str | None:
    """Return the path of a request line."""
    found = _REQUEST.fullmatch(value) if isinstance(value, str) else None
    return found[2] if found else None


def status(value: Any) -> int | None:
    """Return an HTTP status, 100 to 999."""
    if isinstance(value, str):
        return int(value) if len(value) == 3 and value.isascii() and value.isdigit() else None
    # 200.0 is 200; no truth value is as large as this.
    if isinstance(value, int | float) and 100 <= value <= 999 and value == int(value):
        return int(value)
    return None


class Milliseconds:
    """Reads durations; a bare number is one of so many milliseconds."""

    def __init__(self, unit: float) -> None:
        self.unit = unit

    def __call__(self, value: Any) -> float | None:
        """Return milliseconds."""
        if type(value) is float or type(value) is int:
            try:
                found = float(value)
            except OverflowError:
                return None
            # Go and Datadog count in nanoseconds; twelve days it has not taken.
            if self.unit == 1e3 and type(value) is int and value >= _NANOSECONDS:
                found /= 1e9
            return self._scaled(found)
        if not isinstance(value, str) or len(value) > 40:
            return None
        if _NUMBER.fullmatch(value):
            return self._scaled(float(value))
        span = _SPAN.fullmatch(value)
        if not span or not value:
            return None
        hours, minutes, number, name = span.groups()
        whole = int(hours or 0) * 3_600_000.0 + int(minutes or 0) * 60_000.0
        return round(whole + (float(number) * _UNITS[name] if number else 0.0), 6)

    def _scaled(self, value: float) -> float | None:
        if self.unit == 1:
            return value
        scaled = value * self.unit
        # 0.0452 s are 45.2 ms, which the product is not exactly; nothing is told below 1 ns.
        return round(scaled, 6) if math.isfinite(scaled) else None
