"""Lines that have each wanted field under the first of its names, in the type it should have.

The JSON parser checks that by itself, and Python is left with nothing to ask of the values. Any
other line is found by it, too.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import attrgetter
from typing import Annotated, Any, Literal, Self

import msgspec
from msgspec import Meta

from console.logs.records.aliases import ALIASES
from console.logs.records.contract import ContractLine
from console.logs.records.levels import SPELLINGS
from console.logs.records.rows import UNDECODABLE, decoded
from console.logs.records.times import instants, whole_seconds

__all__ = ["COARSE", "TypedColumns", "TypedRows"]

COARSE = 200
"""So many characters of a text are enough to count by."""

Understand = Callable[[list[Any]], list[Any]]
"""Turns the values of a column into those that `decode` would tell."""

# Empty texts, unknown levels and impossible statuses are looked for under other names: see
# `aliases`. Null is an answer.
_Text = Annotated[str, Meta(min_length=1)] | None
_Name = Annotated[str, Meta(min_length=1, max_length=COARSE)] | None
_Level: Any = Literal.__getitem__((*SPELLINGS, None))
_Status = Annotated[int, Meta(ge=100, le=999)] | None

_LEVELS: Mapping[Any, str] = {**SPELLINGS, None: ""}
# In place of a time that is not known: one that takes no longer to understand than others.
_EPOCH = "1970-01-01T00:00:00.000Z"
# The contract itself has another name for the id; a line without a time is a rare one.
_NEEDED = {"timestamp", "request_id"}


def _same(values: list[Any]) -> list[Any]:
    return values


def _texts(values: list[Any]) -> list[Any]:
    return [value or "" for value in values]


def _ids(values: list[Any]) -> list[Any]:
    return [str(value) if type(value) is int else value or "" for value in values]


def _levels(values: list[Any]) -> list[Any]:
    return list(map(_LEVELS.__getitem__, values))


_TEXTS = ("message", "request_id", "method", "path", "route", "client", "logger")
_KINDS: Mapping[str, tuple[Any, Understand]] = {
    "time": (str, instants),
    "level": (_Level, _levels),
    "status": (_Status, _same),
    "duration_ms": (float | None, _same),
    "user_id": (_Text | int, _ids),
    **dict.fromkeys(_TEXTS, (_Text, _texts)),
}
_COARSE_KINDS: Mapping[str, tuple[Any, Understand]] = {
    **_KINDS,
    "time": (str, whole_seconds),
    "user_id": (_Name | int, _same),
    **dict.fromkeys(_TEXTS, (_Name, _same)),
}


class TypedRows:
    """Decodes lines into rows with some canonical fields, which are attributes `f0`, `f1` …"""

    def __init__(self, names: Sequence[str], *, coarse: bool) -> None:
        kinds = _COARSE_KINDS if coarse else _KINDS
        keys = {f"f{number}": ALIASES[name][0].path for number, name in enumerate(names)}
        fields = [(field, kinds[name][0]) for field, name in zip(keys, names, strict=True)]
        row = msgspec.defstruct("Typed", fields, rename=keys, gc=False)
        self.fields = tuple(keys)
        self._decode = msgspec.json.Decoder(row).decode
        self._decode_short = msgspec.json.Decoder(_short(fields, keys)).decode
        self._instead = row(*[_EPOCH if name == "time" else None for name in names])

    def __call__(self, lines: Sequence[bytes]) -> tuple[list[Any], list[int]]:
        """Return a row for each line, and the numbers of the lines that are not of this kind.

        The rows of those are without meaning.
        """
        rows, failed = decoded(self._decode, lines, self._instead)
        others: list[int] = []
        for number in failed:
            try:
                rows[number] = self._decode_short(lines[number])
            except UNDECODABLE:
                others.append(number)
        return rows, others


class TypedColumns:
    """Of lines, one list of values for each name, which are canonical ones."""

    def __init__(self, names: Sequence[str], *, coarse: bool) -> None:
        kinds = _COARSE_KINDS if coarse else _KINDS
        self._names = names
        self._rows = TypedRows(names, coarse=coarse)
        self._getters = list(map(attrgetter, self._rows.fields))
        self._understand = [kinds[name][1] for name in names]

    @classmethod
    def of(cls, names: Sequence[str], *, coarse: bool) -> Self | None:
        """Return None when not every field has a type, or when one is wanted twice."""
        known = bool(names) and len(set(names)) == len(names) and _KINDS.keys() >= set(names)
        return cls(names, coarse=coarse) if known else None

    def __call__(self, lines: Sequence[bytes]) -> tuple[list[list[Any]], list[int]]:
        """Return a list for each name, and the numbers of the lines that are not of this kind.

        What the lists have of those is without meaning.
        """
        rows, others = self._rows(lines)
        columns = [
            understand(list(map(get, rows)))
            for understand, get in zip(self._understand, self._getters, strict=True)
        ]
        if "time" in self._names:
            times = columns[self._names.index("time")]
            # A text that is no time is looked for under other names, too.
            if not all(times) and None in times:
                others += [number for number, at in enumerate(times) if at is None]
        return columns, others


def _short(fields: Sequence[tuple[str, Any]], keys: Mapping[str, str]) -> type[Any]:
    """Return a type for lines that lack some of the fields and have no keys but the contract's, so
    that no other name needs to be looked for."""
    wanted = set(keys.values())
    rest = [each.name for each in msgspec.structs.fields(ContractLine) if each.name not in wanted]
    needed = [field for field in fields if keys[field[0]] in _NEEDED]
    others = [(name, kind, None) for name, kind in fields if keys[name] not in _NEEDED]
    return msgspec.defstruct(
        "Short",
        [*needed, *others, *((name, Any, None) for name in rest)],
        rename=keys,
        forbid_unknown_fields=True,
        gc=False,
    )
