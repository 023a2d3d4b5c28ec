"""Numbers, times and lists of values as short texts."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime

__all__ = [
    "age",
    "availability",
    "clock",
    "count",
    "day_of",
    "length",
    "milliseconds",
    "moment",
    "percent",
    "rate",
    "size",
    "sparkline",
]

_BARS = "▁▂▃▄▅▆▇█"


def count(number: int) -> str:
    """`12,345`."""
    return f"{number:,}"


def rate(per_second: float) -> str:
    """`1,240`, `9.5` or `0.02`."""
    if per_second >= 9.95:
        return f"{per_second:,.0f}"
    return f"{per_second:.1f}" if per_second >= 0.095 else f"{per_second:.2g}"


def percent(ratio: float | None) -> str:
    """`99.9 %`; only all is `100 %`, and only nothing `0 %`. A hyphen for None."""
    if ratio is None:
        return "-"
    if ratio in {0, 1}:
        return f"{ratio:.0%}".replace("%", " %")
    if ratio < 0.0005:
        return "<0.1 %"
    return f"{min(ratio * 100, 99.9):.1f} %"


def availability(ratio: float | None) -> str:
    """`100 %`, `99.9 %`; never rounded up to 100. A hyphen for None."""
    if ratio is None:
        return "-"
    if ratio >= 1:
        return "100 %"
    return f"{int(ratio * 1000) / 10:.1f} %"


def milliseconds(value: float | None) -> str:
    """`3.2 ms`, `45 ms`, `2,004 ms` or `12.3 s`; a hyphen for None."""
    if value is None:
        return "-"
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:,.0f} ms" if value < 9_999.5 else f"{value / 1000:,.1f} s"


def size(count: int) -> str:
    """Bytes as `512 B`, `64 KB`, `10.0 MB` or `1.2 GB`."""
    if count < 1024:
        return f"{count} B"
    if count < 1024**2:
        return f"{count // 1024} KB"
    if count < 1024**3:
        return f"{count / 1024**2:.1f} MB"
    return f"{count / 1024**3:,.1f} GB"


def age(seconds: float) -> str:
    """`40 s`, `5 min`, `3 h` or `12 d`: whole ones, rounded down; `0 s` for what is yet to come."""
    for unit, length in (("d", 86_400), ("h", 3600), ("min", 60)):
        # A day and a half is told in hours: of 47 h and 1 d, the first says what matters.
        if seconds >= (2 * length if unit == "d" else length):
            return f"{seconds // length:,.0f} {unit}"
    return f"{max(seconds, 0.0):.0f} s"


def length(seconds: float) -> str:
    """`45 s`, `53 min`, `7 h` or `12 d`: rounded, and two of a kind at least."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def clock(at: float | None, *, fraction: bool = False) -> str:
    """Seconds since the epoch as local `HH:MM:SS`, or `HH:MM:SS.mmm`; empty for None."""
    if at is None:
        return ""
    if not fraction:
        return time.strftime("%H:%M:%S", time.localtime(at))
    # What was written as .379 may be a little less as a float.
    seconds, milliseconds = divmod(int((at * 1000 + 0.01) // 1), 1000)
    return time.strftime("%H:%M:%S", time.localtime(seconds)) + f".{milliseconds:03d}"


def day_of(at: float) -> str:
    """Seconds since the epoch as a local date, `2026-01-15`."""
    return time.strftime("%Y-%m-%d", time.localtime(at))


def moment(at: datetime | None, *, date: bool = False) -> str:
    """A moment in local time: `10:31:07`, or `2026-01-15 10:31:07`; a hyphen for None."""
    if at is None:
        return "-"
    try:
        local = at.astimezone()
    except (OverflowError, ValueError, OSError):
        # The first and the last day there are have no local time everywhere.
        local = at.astimezone(UTC)
    return f"{local:%Y-%m-%d %H:%M:%S}" if date else f"{local:%H:%M:%S}"


def sparkline(values: Sequence[float | None], width: int, *, least_top: float = 0.0) -> str:
    """Draw the last `width` values, newest at the right; None leaves a gap.

    The highest bar stands for the largest value, or for `least_top` where all are below it.
    """
    shown = list(values)[-width:] if width > 0 else []
    top = max((value for value in shown if value is not None), default=0.0)
    top = max(top, least_top)
    bars = "".join(
        " " if value is None else _BARS[round(value / top * 7) if top > 0 else 0] for value in shown
    )
    return bars.rjust(width)
