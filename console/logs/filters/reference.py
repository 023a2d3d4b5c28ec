"""What a filter means, line by line: slow, plain, and what the fast plan is held to."""

import operator
from collections.abc import Callable
from typing import Any

from console.logs.filters.expression import (
    And,
    Comparison,
    Everything,
    Exists,
    Expression,
    Not,
    Or,
    Text,
    Value,
)
from console.logs.filters.patterns import Pattern
from console.logs.filters.words import fold, has_capital, holds, number, text_of
from console.logs.records import Record, rank, value_of

__all__ = ["matches"]

_ORDER: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}


def matches(expression: Expression, record: Record) -> bool:
    """Tell whether a record matches; never fails, whatever the line holds."""
    match expression:
        case Everything():
            found = True
        case Text(words, exact_case):
            found = holds(record.raw, words, exact_case=exact_case)
        case Exists(field):
            found = value_of(record, field) is not None
        case Comparison(field):
            value = value_of(record, field)
            found = value is not None and _compare(expression, value)
        case Not(inner):
            found = not matches(inner, record)
        case And(parts):
            found = all(matches(part, record) for part in parts)
        case Or(parts):
            found = any(matches(part, record) for part in parts)
    return found


def _compare(comparison: Comparison, value: Any) -> bool:
    values, symbol = comparison.values, comparison.operator
    if symbol == "=":
        return any(_equal(value, wanted) for wanted in values)
    if symbol == "~":
        return any(_contains(text_of(value), str(part)) for part in values)
    if symbol == "matches":
        return Pattern(str(values[0])).search(text_of(value))
    compare = _ORDER[symbol]
    if comparison.field == "level":
        return compare(rank(value), rank(str(values[0])))
    found = number(value)
    return found is not None and compare(found, values[0])


def _equal(value: Any, wanted: Value) -> bool:
    if isinstance(value, int | float) and isinstance(wanted, int | float):
        return isinstance(value, bool) is isinstance(wanted, bool) and value == wanted
    return isinstance(value, str) and isinstance(wanted, str) and value == wanted


def _contains(text: str, part: str) -> bool:
    return part in (text if has_capital(part) else fold(text))
