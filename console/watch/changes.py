"""What changed: one feed, ordered by time, of everything an operator would ask about."""

from bisect import insort
from dataclasses import dataclass
from typing import Literal

from console.logs.statistics.signatures import ErrorSignature

__all__ = ["CHANGES", "Change", "Feed", "Mood"]

CHANGES = 200
"""How many changes are remembered."""

Mood = Literal["good", "bad", "neutral"]


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that happened. `at` is in seconds since the epoch.

    An error's `signature` goes on counting after the change was made.
    """

    at: float
    subject: str
    text: str
    mood: Mood = "neutral"
    signature: ErrorSignature | None = None


class Feed:
    """The newest CHANGES changes; `newest_first` is what a screen shows."""

    def __init__(self) -> None:
        self._changes: list[Change] = []

    def add(self, change: Change) -> None:
        """Put a change where its time belongs: a log's tail tells of the past."""
        insort(self._changes, change, key=lambda known: known.at)
        del self._changes[:-CHANGES]

    @property
    def newest_first(self) -> list[Change]:
        """All changes, the newest first."""
        return self._changes[::-1]
