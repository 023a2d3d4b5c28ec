"""Numbers, times and lists of values as short texts."""

import time
from collections.abc import Sequence

__all__ = ["age", "clock", "day_of", "milliseconds", "percent", "size", "sparkline"]

_BARS = "▁▂▃▄▅▆▇█"


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


def milliseconds(value: float | None) -> str:
    """`3.2 ms`, `45 ms`, `2,004 ms` or `12.3 s`; a hyphen for None."""
    if value is None:
        return "-"
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:,.0f} ms" if value < 9_999.5 else f"{value / 1000:,.1f} s"


def percent(ratio: float | None) -> str:
    """`100 %`, `99.9 %`; never rounded up to 100. A hyphen for None."""
    if ratio is None:
        return "-"
    if ratio >= 1:
        return "100 %"
    return f"{int(ratio * 1000) / 10:.1f} %"


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


def clock(at: float | None, *, fraction: bool = False) -> str:
    """Seconds since the epoch as local `HH:MM:SS`, or `HH:MM:SS.mmm`; empty for None."""
    if at is None:
        return ""
    text = time.strftime("%H:%M:%S", time.localtime(at))
    return f"{text}.{int(at % 1 * 1000):03d}" if fraction else text


def day_of(at: float) -> str:
    """Seconds since the epoch as a local date, `2026-01-15`."""
    return time.strftime("%Y-%m-%d", time.localtime(at))
