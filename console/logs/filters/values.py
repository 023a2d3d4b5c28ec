"""From `field operator value` to its meaning: what is typed how, for each kind of field."""

import difflib
import re
from typing import cast

from console.logs.filters.errors import FilterError
from console.logs.filters.expression import (
    Comparison,
    Exists,
    Expression,
    Not,
    Operator,
    Value,
    all_of,
    any_of,
    negation,
)
from console.logs.filters.fields import FIELDS, Kind
from console.logs.filters.instants import duration_ms, instant
from console.logs.filters.patterns import Pattern, PatternError
from console.logs.filters.scanner import Piece
from console.logs.filters.words import fold, has_capital, number
from console.logs.records import LEVELS
from console.logs.records.levels import level

__all__ = ["TIMES", "comparison", "instant_of"]

TIMES = "10m (ago), 14:30, yesterday, 2026-01-15 or 2026-01-15T10:30"

_LEVEL_NAMES = (*LEVELS, "trace", "warn", "err", "fatal")
_STATUS_CLASS = re.compile(r"([1-5])[xX]{2}")
_NOT_TEXT: dict[Kind, str] = {
    "time": "a time: use since:, until:, < or >=",
    "level": "ordered: use = or >=",
    "number": "a number: use =, < or >=",
    "duration": "a number: use < or >=",
}


def comparison(name: str, operator: Piece, values: list[Piece], now: float) -> Expression:
    """Return what `name operator values` means; there is at least one value."""
    kind = FIELDS.get(name, "text")
    symbol = operator.text.removeprefix("!")
    if symbol in {"~", "~~"} and kind in _NOT_TEXT:
        raise operator.error(f"{name} is {_NOT_TEXT[kind]}")
    if symbol not in {"=", "~"} and len(values) > 1:
        raise values[1].error(f"only =, !=, ~ and !~ take several values, {operator.text} does not")
    found: Expression
    if symbol == "=":
        found = _equal(name, kind, values, now)
    elif symbol == "~":
        found = Comparison(name, "~", tuple(dict.fromkeys(map(_part, values))))
    elif symbol == "~~":
        found = Comparison(name, "matches", (_pattern(values[0]),))
    else:
        limit = _limit(name, kind, values[0], now)
        found = Comparison(name, cast(Operator, symbol), (limit,))
    return negation(found) if operator.text.startswith("!") else found


def instant_of(piece: Piece, now: float) -> float:
    """Return the time that a value names, in seconds since the epoch."""
    found = instant(piece.text, now)
    if found is None:
        raise piece.error(f"this is no time: write {TIMES}")
    return found


def _equal(name: str, kind: Kind, values: list[Piece], now: float) -> Expression:
    plain: dict[tuple[type, Value], Value] = {}
    others: list[Expression] = []
    for piece in values:
        bare = "" if piece.quoted else piece.text
        if not piece.text or bare == "null":
            others.append(Not(Exists(name)))
        elif bare == "*":
            others.append(Exists(name))
        elif ends := _range(kind, piece):
            low, high = (_limit(name, kind, end, now) for end in ends)
            others.append(all_of([Comparison(name, ">=", (low,)), Comparison(name, "<=", (high,))]))
        elif kind == "number" and (status_class := _STATUS_CLASS.fullmatch(bare)):
            low = int(status_class[1]) * 100
            others.append(
                all_of([Comparison(name, ">=", (low,)), Comparison(name, "<", (low + 100,))])
            )
        elif kind == "text":
            plain |= {(type(value), value): value for value in _literals(name, piece)}
        else:
            limit = _limit(name, kind, piece, now)
            plain[type(limit), limit] = limit
    equal = [Comparison(name, "=", tuple(plain.values()))] if plain else []
    return any_of([*equal, *others])


def _range(kind: Kind, piece: Piece) -> tuple[Piece, Piece] | None:
    """Return the two ends of `a..b`; None if the value is no range."""
    low, dots, high = piece.text.partition("..")
    if piece.quoted or not dots:
        return None
    if kind == "text" and (number(low) is None or number(high) is None):
        return None
    start = piece.column
    if not low or not high:
        raise piece.error("a range has two ends, as in 500..599; otherwise use >= or <=")
    return (
        Piece(low, False, start, len(low)),
        Piece(high, False, start + len(low) + len(dots), len(high)),
    )


def _limit(name: str, kind: Kind, piece: Piece, now: float) -> Value:
    """Return the value as the kind of field has it, for kinds that are ordered."""
    found: Value | None
    if kind == "time":
        return instant_of(piece, now)
    if kind == "level":
        return _level(piece)
    found = number(piece.text)
    if found is not None:
        return found
    in_ms = duration_ms(piece.text)
    if kind == "duration":
        if in_ms is None:
            raise piece.error(f"{name} is a duration: write 250 (milliseconds), 250ms or 1.5s")
        return in_ms
    if in_ms is not None:
        raise piece.error(f"only duration_ms knows units: write a plain number for {name}")
    raise piece.error(f"this is no number; {name} is compared with one, as in {name}>=100")


def _level(piece: Piece) -> str:
    # A number is understood as a record's: pino's 10 to 60, or syslog's 0 to 7.
    short = piece.text.isdecimal() and len(piece.text) < 3
    found = level(int(piece.text) if short else piece.text)
    if found is None:
        close = difflib.get_close_matches(piece.text.lower()[:40], _LEVEL_NAMES, n=1)
        hint = f"did you mean {close[0]}?" if close else f"levels are {', '.join(LEVELS)}"
        raise piece.error(f"this is no level: {hint}")
    return found


def _literals(name: str, piece: Piece) -> list[Value]:
    """Return a value in each form that it may have in the log: 42 and "42", get and GET."""
    if piece.quoted:
        return [piece.text]
    _refuse_star(piece)
    if name == "method":
        return [piece.text, piece.text.upper()]
    if piece.text in {"true", "false"}:
        return [piece.text == "true", piece.text]
    found = number(piece.text)
    return [piece.text] if found is None else [found, piece.text]


def _part(piece: Piece) -> str:
    if not piece.text:
        raise piece.error("there is nothing to look for between the quotes")
    if not piece.quoted:
        _refuse_star(piece)
    return piece.text if has_capital(piece.text) else fold(piece.text)


def _pattern(piece: Piece) -> str:
    try:
        Pattern(piece.text)
    except PatternError as error:
        if piece.length == len(piece.text) + 2 * piece.quoted:
            column = piece.column + piece.quoted + error.column
            raise FilterError(error.message, column) from None
        raise piece.error(error.message) from None
    return piece.text


def _refuse_star(piece: Piece) -> None:
    if "*" in piece.text:
        raise piece.error(
            "a * is no wildcard: use ~ (contains) or ~~ (regular expression), or put it in quotes"
        )
