"""The words without which a line cannot match."""

import re
from collections.abc import Callable

from console.logs.filters.expression import And, Comparison, Expression, Or, Text
from console.logs.filters.words import has_capital

__all__ = ["Required", "required"]

Required = Callable[[Callable[[Text], set[int]]], set[int]]
"""Returns the numbers of the lines that may match, given what tells which lines hold some words."""

# Fields whose value stands in the line as it is. Others are put together or brought into a unit.
_AS_WRITTEN = {"request_id", "method", "path", "route", "user_id", "client", "logger"}
# A number is not always written as JSON would write it, and short words are in every line.
_PLAIN = re.compile(r"(?=.*[A-Za-z_/])(?![0-9.+eE-]+$)[ -\[\]-~]{4,}", re.ASCII)


def required(expression: Expression) -> Required | None:
    """Return which lines may match, None if every line may."""
    match expression:
        case Text():
            return _held(expression)
        case Comparison():
            words = _words(expression)
            return _any_of([_held(text) for text in words]) if words else None
        case And(parts):
            every = [found for part in parts if (found := required(part))]
            return _all_of(every) if every else None
        case Or(parts):
            some = [found for part in parts if (found := required(part))]
            return _any_of(some) if len(some) == len(parts) else None
        case _:
            return None


def _held(text: Text) -> Required:
    return lambda holding: holding(text)


def _any_of(some: list[Required]) -> Required:
    return lambda holding: set[int]().union(*(found(holding) for found in some))


def _all_of(every: list[Required]) -> Required:
    return lambda holding: set.intersection(*(found(holding) for found in every))


def _words(comparison: Comparison) -> list[Text]:
    """Return words of which a line must hold some to meet the comparison; none if it need not."""
    if comparison.field not in _AS_WRITTEN or comparison.operator not in {"=", "~"}:
        return []
    texts = [value for value in comparison.values if isinstance(value, str)]
    if not all(_PLAIN.fullmatch(text) for text in texts):
        return []
    if comparison.operator == "=":
        return [Text(text, exact_case=True) for text in texts]
    return [Text(text, exact_case=has_capital(text)) for text in texts]
