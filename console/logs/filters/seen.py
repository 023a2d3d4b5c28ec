"""Which fields a log has, and what they mostly hold: learnt from samples, in bounded memory."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, Literal, TypeVar

from console.logs.filters.fields import FIELDS, canonical
from console.logs.records import Record, fields_of, value_of

__all__ = ["NAMES", "VALUES", "FieldNames", "Seen"]

NAMES = 500
"""Different fields that are remembered."""
VALUES = 20
"""Different values of each that are remembered."""

_NAME_LENGTH = 100
_VALUE_LENGTH = 80
_DEPTH = 4
_PER_RECORD = 200

_Key = TypeVar("_Key")

Type = Literal["text", "number", "truth", "other"]


class Seen:
    """How often a field was there, as what, and how often with which text or number."""

    __slots__ = ("count", "types", "values")

    def __init__(self) -> None:
        self.count = 0
        self.types: dict[Type, int] = {}
        self.values: dict[str | int | float, int] = {}

    def add(self, value: Any) -> None:
        """Count a value."""
        self.count += 1
        kind = _type(value)
        self.types[kind] = self.types.get(kind, 0) + 1
        if kind in {"truth", "other"} or len(str(value)) > _VALUE_LENGTH:
            return
        if value not in self.values and len(self.values) >= VALUES:
            self.values = _frequent(self.values, VALUES // 2)
        self.values[value] = self.values.get(value, 0) + 1

    @property
    def type(self) -> Type:
        """What the field mostly is."""
        return max(self.types, key=lambda kind: self.types[kind], default="other")

    def common(self) -> list[tuple[str | int | float, int]]:
        """Return the values that came more than once, the most frequent first, and how often."""
        return [found for found in _frequent(self.values, VALUES).items() if found[1] > 1]


class FieldNames:
    """The fields of the records that were added, by the names that a filter knows them by.

    At most NAMES fields with VALUES values each: when there are more, the rarer half is forgotten,
    so that what is common stays known, whatever an attacker logs in between.
    """

    def __init__(self) -> None:
        self._fields: dict[str, Seen] = {}

    def __iter__(self) -> Iterator[str]:
        """The names, the most frequent first."""
        return iter(sorted(self._fields, key=lambda name: (-self._fields[name].count, name)))

    def __contains__(self, name: object) -> bool:
        return name in self._fields

    def __len__(self) -> int:
        return len(self._fields)

    def get(self, name: str) -> Seen | None:
        """Return what is known of a field; None if it is not known."""
        return self._fields.get(name)

    def add(self, record: Record) -> None:
        """Learn the fields of a record; to add one in a hundred is enough."""
        for name in FIELDS:
            value = value_of(record, name)
            if value is not None:
                self._count(name, value)
        for name, value in islice(_paths(fields_of(record), "", _DEPTH), _PER_RECORD):
            if canonical(name) not in FIELDS:
                self._count(name, value)

    def _count(self, name: str, value: Any) -> None:
        if name not in self._fields:
            if len(self._fields) >= NAMES:
                counts = {name: seen.count for name, seen in self._fields.items()}
                kept = _frequent(counts, NAMES // 2)
                self._fields = {name: self._fields[name] for name in kept}
            self._fields[name] = Seen()
        self._fields[name].add(value)


def _paths(found: dict[str, Any], prefix: str, depth: int) -> Iterator[tuple[str, Any]]:
    for key, value in found.items():
        name = prefix + key
        if not key or len(name) > _NAME_LENGTH:
            continue
        if isinstance(value, dict) and depth > 1:
            yield from _paths(value, name + ".", depth - 1)
        elif value not in (None, ""):
            yield name, value


def _type(value: Any) -> Type:
    if isinstance(value, bool):
        return "truth"
    if isinstance(value, int | float):
        return "number"
    return "text" if isinstance(value, str) else "other"


def _frequent(counts: dict[_Key, int], limit: int) -> dict[_Key, int]:
    ordered = sorted(counts.items(), key=lambda item: item[1], reverse=True)
    return dict(ordered[:limit])
