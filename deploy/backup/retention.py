"""Which backups are kept: the newest of each of the last days, weeks and months that have one."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime

from deploy.backup.names import Name


@dataclass(frozen=True, slots=True)
class Keep:
    """How many days, weeks and months keep a backup."""

    daily: int
    weekly: int
    monthly: int


def kept(names: Iterable[Name], verified: Iterable[Name], keep: Keep) -> frozenset[Name]:
    """The backups of one database to keep.

    Verified backups fill days, weeks and months of their own, so that broken ones, however many,
    never push a good one out. The newest of all and the newest verified always stay.
    """
    every = sorted(set(names), reverse=True)
    good = sorted(set(verified) & set(every), reverse=True)
    return frozenset(
        [*every[:1], *good[:1], *_periods(every, keep), *_periods(good, keep)],
    )


def _periods(newest_first: list[Name], keep: Keep) -> list[Name]:
    periods: tuple[tuple[int, Callable[[datetime], object]], ...] = (
        (keep.daily, datetime.date),
        (keep.weekly, lambda moment: moment.isocalendar()[:2]),
        (keep.monthly, lambda moment: (moment.year, moment.month)),
    )
    found: list[Name] = []
    for count, period in periods:
        newest: dict[object, Name] = {}
        for name in newest_first:
            newest.setdefault(period(name.created_at), name)
        found += list(newest.values())[:count]
    return found
