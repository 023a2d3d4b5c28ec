"""A filter made ready to go through blocks of lines quickly; it means what `reference.py` says.

Three things make it quick. Words are looked for in the whole block at once, and lines that cannot
match because they lack some are never decoded. Of the others only the fields that the filter names
are decoded. Each condition looks only at the lines that those before it have left over.
"""

from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
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
)
from console.logs.filters.plan_conditions import Condition, condition, exists
from console.logs.filters.plan_required import required
from console.logs.filters.plan_words import is_utf8, lines_holding
from console.logs.records.lines import lines_of
from console.logs.records.wanted import Columns

__all__ = ["Plan", "compile"]


class Plan:
    """Selects the lines of a block that match. A plan is for one thread; it can be pickled."""

    def __init__(self, expression: Expression) -> None:
        self.expression = expression
        self._required = required(expression)
        self._columns = Columns(sorted(set(_fields(expression))))
        self._choose = _chooser(expression)

    def select(self, block: bytes) -> list[int]:
        """Return the numbers of the lines that match, ascending, the first line being 0.

        A block is whole lines, each ended by a newline, which the last may lack.
        """
        lines = _Lines(block, self._columns)
        # A broken byte is shown as words that are not in the line.
        if self._required and is_utf8(block):
            lines.numbers = sorted(self._required(lines.holding))
        else:
            lines.numbers = range(len(lines.lines))
        chosen = self._choose(lines, range(len(lines.numbers)))
        return [lines.numbers[position] for position in chosen]

    def count(self, block: bytes) -> int:
        """Return how many lines match."""
        return len(self.select(block))

    def __reduce__(self) -> tuple[Any, ...]:
        """Carry the expression only: the rest is made of functions."""
        return compile, (self.expression,)


def compile(expression: Expression) -> Plan:  # noqa: A001  # as in `re`
    """Return the plan for an expression."""
    return Plan(expression)


class _Lines:
    """The lines of a block that are still in question, and what has been found out about them."""

    def __init__(self, block: bytes, columns: Columns) -> None:
        self.numbers: Sequence[int] = ()
        self._block = block
        self._columns = columns
        self._values: dict[str, list[Any]] = {}
        self._holding: dict[Text, set[int]] = {}

    def holding(self, text: Text) -> set[int]:
        """Return the numbers of all lines that hold some words."""
        if text not in self._holding:
            found = lines_holding(self._block, text.words, exact_case=text.exact_case)
            self._holding[text] = found
        return self._holding[text]

    @cached_property
    def lines(self) -> list[bytes]:
        """All lines, with their newlines."""
        return lines_of(self._block)

    def column(self, field: str) -> list[Any]:
        """Return what the lines in question have in a field."""
        if not self._values:
            lines = self.lines
            if len(self.numbers) < len(lines):
                lines = [lines[number] for number in self.numbers]
            found = self._columns.of_lines(lines)
            self._values = dict(zip(self._columns.names, found, strict=True))
        return self._values[field]


_Chooser = Callable[[_Lines, Sequence[int]], Sequence[int]]
"""Of positions in `_Lines.numbers`, ascending, returns those whose lines match."""


def _chooser(expression: Expression) -> _Chooser:
    choose: _Chooser
    match expression:
        case Everything():
            choose = _everything
        case Text():
            choose = _holding(expression)
        case Exists(field):
            choose = _of_column(field, exists)
        case Comparison(field):
            choose = _of_column(field, condition(expression))
        case Not(inner):
            choose = _without(_chooser(inner))
        case And(parts):
            # What words decide is decided first: it takes no decoding.
            choose = _all_of([_chooser(p) for p in sorted(parts, key=lambda p: not _is_text(p))])
        case Or(parts):
            choose = _any_of([_chooser(part) for part in parts])
    return choose


def _everything(_: _Lines, positions: Sequence[int]) -> Sequence[int]:
    return positions


def _holding(text: Text) -> _Chooser:
    def holding(lines: _Lines, positions: Sequence[int]) -> list[int]:
        found, numbers = lines.holding(text), lines.numbers
        return [position for position in positions if numbers[position] in found]

    return holding


def _of_column(field: str, keep: Condition) -> _Chooser:
    return lambda lines, positions: keep(lines.column(field), positions) if positions else positions


def _without(choose: _Chooser) -> _Chooser:
    def others(lines: _Lines, positions: Sequence[int]) -> list[int]:
        chosen = set(choose(lines, positions))
        return [position for position in positions if position not in chosen]

    return others


def _all_of(choosers: list[_Chooser]) -> _Chooser:
    def chosen(lines: _Lines, positions: Sequence[int]) -> Sequence[int]:
        for choose in choosers:
            positions = choose(lines, positions)
        return positions

    return chosen


def _any_of(choosers: list[_Chooser]) -> _Chooser:
    def chosen(lines: _Lines, positions: Sequence[int]) -> list[int]:
        found: set[int] = set()
        left = positions
        for choose in choosers:
            found.update(choose(lines, left))
            left = [position for position in left if position not in found]
        return sorted(found)

    return chosen


def _fields(expression: Expression) -> Iterator[str]:
    match expression:
        case Exists(field) | Comparison(field):
            yield field
        case Not(inner):
            yield from _fields(inner)
        case And(parts) | Or(parts):
            for part in parts:
                yield from _fields(part)


def _is_text(expression: Expression) -> bool:
    return isinstance(expression, Text) or (
        isinstance(expression, Not) and isinstance(expression.inner, Text)
    )
