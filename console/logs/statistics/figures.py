"""Numbers and times as short texts for tables."""

from datetime import UTC, datetime

__all__ = ["clock", "count", "length", "milliseconds", "percent", "rate"]


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


def milliseconds(value: float | None) -> str:
    """`3.2 ms`, `45 ms`, `2,004 ms` or `12.3 s`; a hyphen for None."""
    if value is None:
        return "-"
    if value < 9.95:
        return f"{value:.1f} ms"
    return f"{value:,.0f} ms" if value < 9_999.5 else f"{value / 1000:,.1f} s"


def length(seconds: float) -> str:
    """`45 s`, `53 min`, `7 h` or `12 d`: rounded, and two of a kind at least."""
    for unit, size in (("d", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:,.0f} {unit}"
    return f"{seconds:,.0f} s"


def clock(at: datetime | None, *, date: bool = False) -> str:
    """A moment in local time: `10:31:07`, or `2026-01-15 10:31:07`; a hyphen for None."""
    if at is None:
        return "-"
    try:
        local = at.astimezone()
    except (OverflowError, ValueError, OSError):
        # The first and the last day there are have no local time everywhere.
        local = at.astimezone(UTC)
    return f"{local:%Y-%m-%d %H:%M:%S}" if date else f"{local:%H:%M:%S}"
