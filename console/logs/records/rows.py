"""Lines as rows of a few keys, decoded by a type that is made for them."""

from collections.abc import Callable, Collection, Iterable, Sequence
from operator import attrgetter
from typing import Any

import msgspec

__all__ = ["UNDECODABLE", "Rows", "decoded"]

UNDECODABLE = (msgspec.DecodeError, RecursionError, UnicodeDecodeError)
"""What the JSON parser raises for a line that it makes nothing of."""


def decoded(
    decode: Callable[[bytes], Any], lines: Iterable[bytes], instead: Any
) -> tuple[list[Any], list[int]]:
    """Return what `decode` makes of each line, and the numbers of those that it makes nothing of.

    In place of these there is the row before them or, at the beginning, `instead`.
    """
    rows: list[Any] = []
    failed: list[int] = []
    rest = iter(lines)
    while True:
        try:
            # What was decoded before a line that fails stays in the list.
            rows.extend(map(decode, rest))
        except UNDECODABLE:
            failed.append(len(rows))
            rows.append(rows[-1] if rows else instead)
        else:
            return rows, failed


class Rows:
    """Decodes lines into structs that have only `keys`, and takes columns out of these.

    A key that a line does not have is UNSET. Raises ValueError for a key that no struct can have.
    """

    def __init__(self, keys: Collection[str]) -> None:
        names = {key: f"f{number}" for number, key in enumerate(dict.fromkeys(keys))}
        fields = [(name, Any, msgspec.UNSET) for name in names.values()]
        renamed = {name: key for key, name in names.items()}
        row = msgspec.defstruct("Row", fields, rename=renamed, gc=False)
        self._decode = msgspec.json.Decoder(row).decode
        self._nothing = row(*[None] * len(names))
        self._getters = {key: attrgetter(name) for key, name in names.items()}

    def decode(self, lines: Iterable[bytes]) -> tuple[list[Any], list[int]]:
        """Return a row for each line, and the numbers of the lines that are no JSON objects.

        The rows of these have null under each key.
        """
        return decoded(self._decode, lines, self._nothing)

    def column(self, rows: Sequence[Any], key: str) -> list[Any]:
        """Return the values of one key."""
        return list(map(self._getters[key], rows))

    def at_path(self, rows: Sequence[Any], path: str) -> list[Any]:
        """Return the values of a key or, where there is none, at the path that its dots make.

        What is missing is None or UNSET. The path's first key must be among the keys, too.
        """
        values = self.column(rows, path)
        head, *rest = path.split(".")
        if not rest:
            return values
        heads = self.column(rows, head)
        if heads.count(msgspec.UNSET) == len(heads):
            return values
        for number, value in enumerate(heads):
            if isinstance(value, dict) and values[number] in _NOTHING:
                found: Any = value
                for key in rest:
                    found = found.get(key) if isinstance(found, dict) else None
                values[number] = found
        return values


_NOTHING = (None, msgspec.UNSET)
