"""A column of values understood at once; equal to one after the other, only faster."""

from collections.abc import Callable
from types import NoneType
from typing import Any

from msgspec import UnsetType

from console.logs.records.times import instant, instants
from console.logs.records.values import Milliseconds, status, text

__all__ = ["understood"]

_REMEMBERED = 1024
_LONGEST = 200
_NO_VALUE = (NoneType, UnsetType)
_TEXTS = {str, int, *_NO_VALUE}
_FLOATS = {float, *_NO_VALUE}

Read = Callable[[Any], Any]


class _Memory(dict[Any, Any]):
    """What few different values mean, over and over; only for texts, or only for integers."""

    def __init__(self, read: Read, kind: type) -> None:
        super().__init__()
        self._read = read
        self._kinds = (kind, *_NO_VALUE)

    def __missing__(self, value: Any) -> Any:
        found = self._read(value) if type(value) not in _NO_VALUE else None
        # As keys, True and 1.0 would be 1. Nobody knows how long a text may be.
        if type(value) in self._kinds and not (type(value) is str and len(value) > _LONGEST):
            if len(self) >= _REMEMBERED:
                self.clear()
            self[value] = found
        return found


_memories: dict[Read, _Memory] = {}


def understood(read: Read, values: list[Any]) -> list[Any]:
    """Return `read` of each value; `read` is one of those in `aliases`."""
    if read is instant:
        return instants(values)
    if read is text and set(map(type, values)) <= _TEXTS:
        return [str(v) if type(v) is int else v if type(v) is str and v else None for v in values]
    if isinstance(read, Milliseconds):
        if read.unit == 1 and set(map(type, values)) <= _FLOATS:
            return [value if type(value) is float else None for value in values]
    elif read is status:
        # A truth value or a number with a fraction would be found as the integer that it equals,
        # which is no other status.
        return _remembered(read, int, values)
    else:
        return _remembered(read, str, values)
    return [None if type(value) in _NO_VALUE else read(value) for value in values]


def _remembered(read: Read, kind: type, values: list[Any]) -> list[Any]:
    memory = _memories.get(read)
    if memory is None:
        memory = _memories[read] = _Memory(read, kind)
    try:
        return [memory[value] for value in values]
    except TypeError:
        # An object or a list cannot be looked up.
        return [None if type(value) in _NO_VALUE else read(value) for value in values]
