"""Lines as rows of a few keys, decoded by a type that is made for them."""

from collections.abc import Collection, Sequence
from operator import attrgetter
from typing import Any

import msgspec

__all__ = ["Rows"]


class Rows:
    """Decodes lines into structs that have only `keys`, and takes columns out of these.

    A key that a line does not have is UNSET. Raises ValueError for a key that no struct can have.
    """

    def __init__(self, keys: Collection[str]) -> None:
        names = {key: f"f{number}" for number, key in enumerate(dict.fromkeys(keys))}
        fields = [(name, Any, msgspec.UNSET) for name in names.values()]
        renamed = {name: key for key, name in names.items()}
        row = msgspec.defstruct("Row", fields, rename=renamed, gc=False)
        self.decode = msgspec.json.Decoder(row).decode
        self._getters = {key: attrgetter(name) for key, name in names.items()}

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
