"""What a comparison asks of a column of values, made ready once for each filter."""

import operator
from collections.abc import Callable, Sequence
from typing import Any

from console.logs.filters.expression import Comparison, Value
from console.logs.filters.patterns import Pattern
from console.logs.filters.words import fold, has_capital, number, text_of
from console.logs.records.aliases import ALIASES
from console.logs.records.levels import LEVELS, rank

__all__ = ["Condition", "condition", "exists"]

Condition = Callable[[list[Any], Sequence[int]], list[int]]
"""Of the positions given, returns those where the column meets it."""

_NUMBERS = {"status", "duration_ms", "time"}
_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def exists(column: list[Any], positions: Sequence[int]) -> list[int]:
    """Keep the positions where there is something."""
    return [at for at in positions if (value := column[at]) is not None and value != ""]


def condition(comparison: Comparison) -> Condition:
    """Return what keeps the positions whose values meet the comparison."""
    field, symbol, values = comparison.field, comparison.operator, comparison.values
    if symbol == "=":
        return _equal(values) if field in ALIASES else _each(_equal_exactly(values))
    if symbol == "~":
        return _each(_containing([str(part) for part in values]))
    if symbol == "matches":
        pattern = Pattern(str(values[0]))
        return _each(lambda value: pattern.search(text_of(value)))
    compare, limit = _ORDER[symbol], values[0]
    if field == "level":
        least = rank(str(limit))
        return _among({level for level in LEVELS if compare(rank(level), least)})
    if field in _NUMBERS:
        return _ordered(symbol, limit)
    return _each(lambda value: (n := number(value)) is not None and compare(n, limit))


def _among(wanted: set[Any]) -> Condition:
    return lambda column, positions: [at for at in positions if column[at] in wanted]


def _equal(values: tuple[Value, ...]) -> Condition:
    """For a canonical field, whose values are all texts or all numbers, and never truth values."""
    return _among({value for value in values if type(value) is not bool and value != ""})


def _ordered(symbol: str, limit: Any) -> Condition:
    """For a field whose values are numbers or None."""
    if symbol == ">=":
        return lambda c, positions: [i for i in positions if (v := c[i]) is not None and v >= limit]
    if symbol == ">":
        return lambda c, positions: [i for i in positions if (v := c[i]) is not None and v > limit]
    if symbol == "<=":
        return lambda c, positions: [i for i in positions if (v := c[i]) is not None and v <= limit]
    return lambda c, positions: [i for i in positions if (v := c[i]) is not None and v < limit]


def _each(meets: Callable[[Any], bool]) -> Condition:
    """For values that are there, of any type."""

    def keep(column: list[Any], positions: Sequence[int]) -> list[int]:
        return [
            at
            for at in positions
            if (value := column[at]) is not None and value != "" and meets(value)
        ]

    return keep


def _equal_exactly(values: tuple[Value, ...]) -> Callable[[Any], bool]:
    texts = {value for value in values if isinstance(value, str)}
    truths = {value for value in values if isinstance(value, bool)}
    numbers = {value for value in values if type(value) is int or type(value) is float}

    def equal(value: Any) -> bool:
        if isinstance(value, str):
            return value in texts
        if isinstance(value, bool):
            return value in truths
        return isinstance(value, int | float) and value in numbers

    return equal


def _containing(parts: list[str]) -> Callable[[Any], bool]:
    exact = [part for part in parts if has_capital(part)]
    folded = [part for part in parts if not has_capital(part)]

    def contains(value: Any) -> bool:
        text = text_of(value)
        if any(part in text for part in exact):
            return True
        if not folded:
            return False
        text = fold(text)
        return any(part in text for part in folded)

    return contains
