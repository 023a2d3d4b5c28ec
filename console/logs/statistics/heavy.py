"""The most frequent of very many, in bounded memory: the counters of Misra and Gries.

While there is room, every count is exact. When there is none, the smallest counters go, and all
others pay the same weight, which is added to `lost`: it stays below the total divided by the room,
whatever is fed in whatever order, and also after merging (Agarwal et al., Mergeable Summaries).
"""

import heapq
from collections.abc import Iterable, Mapping
from typing import TypeVar

import msgspec

__all__ = ["ROOM", "Tally", "Weighed", "shed"]

ROOM = 5_000
"""How many different names a tally keeps count of."""
_NAME = 100


class Tally(msgspec.Struct):
    """How often each of the most frequent names came, of `total` in all.

    A count is too low by at most `lost`, which is 0 while at most ROOM names have come; a name
    that is missing came at most `lost` times. Names are cut after 100 characters.
    """

    counts: dict[str, int] = {}
    total: int = 0
    lost: int = 0

    def add(self, counts: Mapping[str, int]) -> None:
        """Add names with the number of times that each came."""
        known = self.counts
        for name, times in counts.items():
            short = name if len(name) <= _NAME else name[:_NAME]
            known[short] = known.get(short, 0) + times
        self.total += sum(counts.values())
        # Room for as many again until then: they are not looked through for every new name.
        if len(known) > 2 * ROOM:
            self._make_room()

    def merge(self, other: "Tally") -> None:
        """Add everything that `other` has counted."""
        total = self.total + other.total
        self.add(other.counts)
        # The other's counts no longer add up to its total when it has lost some.
        self.total = total
        self.lost += other.lost

    def top(self, count: int) -> list[tuple[str, int]]:
        """Return the most frequent names, most frequent first, and their counts."""
        return heapq.nsmallest(count, self.counts.items(), key=lambda item: (-item[1], item[0]))

    def _make_room(self) -> None:
        price = _price(self.counts.values(), ROOM)
        self.counts = {name: n - price for name, n in self.counts.items() if n > price}
        self.lost += price


class Weighed(msgspec.Struct, kw_only=True):
    """Something counted. `weight` is what is left of `count` after paying for its room."""

    count: int = 0
    weight: int = 0


W = TypeVar("W", bound=Weighed)


def shed(known: dict[str, W], room: int) -> tuple[int, list[W]]:
    """Take out of `known` all but at most `room`; return the price each paid, and those gone."""
    price = _price((each.weight for each in known.values()), room)
    gone = [name for name, each in known.items() if each.weight <= price]
    shed = [known.pop(name) for name in gone]
    for each in known.values():
        each.weight -= price
    return price, shed


def _price(weights: Iterable[int], room: int) -> int:
    """The weight of the heaviest for which there is no room."""
    return heapq.nlargest(room + 1, weights)[-1]
