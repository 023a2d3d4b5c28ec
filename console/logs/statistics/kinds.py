"""Kinds of lines, numbered: what all lines of a kind have in common is found out once."""

from collections.abc import Sequence
from itertools import compress

from console.logs.records.levels import SPELLINGS
from console.logs.statistics.signatures import is_error
from console.logs.statistics.timeline import mood

__all__ = ["STEP", "Kind", "Kinds"]

STEP = 4096
"""More than there are buckets."""
Kind = tuple[str | None, str | None, str | None, int | None]
"""Level in any spelling, method, place and status; for what is missing, there is "" or None.

The place is a route or, for requests without one, what PlaceCache tells.
"""


class Kinds(dict[Kind, int]):
    """The number of each kind, in the order in which they were asked for.

    About each number: `told` is the kind, its level one of LEVELS or ""; `moods` has its mood;
    `firsts` the first of STEP numbers, for such lines with a bucket each. `failing` is whether such
    a line tells of an error, `unplaced` whether it is a request without a place, `notable` either.
    """

    def __init__(self) -> None:
        super().__init__()
        self.told: list[tuple[str, str, str, int | None]] = []
        self.moods: list[int] = []
        self.firsts: list[int] = []
        self.failing: list[bool] = []
        self.unplaced: list[bool] = []
        self.notable: list[bool] = []

    def __missing__(self, kind: Kind) -> int:
        spelled, method, place, status = kind
        level = SPELLINGS.get(spelled or "", "")
        number = self[kind] = len(self.told)
        self.told.append((level, method or "", place or "", status))
        self.moods.append(mood(level, status))
        self.firsts.append(number * STEP)
        failing = is_error(level, status)
        unplaced = status is not None and not place
        self.failing.append(failing)
        self.unplaced.append(unplaced)
        self.notable.append(failing or unplaced)
        return number

    def clear(self) -> None:
        """Forget all of them."""
        super().clear()
        about = (self.moods, self.firsts, self.failing, self.unplaced, self.notable)
        for each in (self.told, *about):
            each.clear()

    def noted(self, kinds: Sequence[int]) -> list[int]:
        """Return the indexes of those that are `notable`."""
        return list(compress(range(len(kinds)), map(self.notable.__getitem__, kinds)))
