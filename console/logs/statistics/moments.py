"""Seconds since the epoch as a moment of the calendar."""

from datetime import UTC, datetime

__all__ = ["moment"]


def moment(at: float | None) -> datetime | None:
    """Return the moment in UTC; None where there is none, or outside of the years 1 to 9999."""
    if at is None:
        return None
    try:
        return datetime.fromtimestamp(at, UTC)
    except (ValueError, OverflowError, OSError):
        return None
