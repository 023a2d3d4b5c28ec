"""A tree, written out so that it reads back as the same tree."""

import re
from collections import deque
from collections.abc import Iterator
from decimal import Decimal

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
from console.logs.filters.fields import NAME, likely_typo
from console.logs.filters.instants import instant_text
from console.logs.filters.words import number

__all__ = ["name_text", "to_text", "together", "value_text"]

# Nothing in it that could be anything but the text itself, wherever it stands.
_PLAIN_WORD = re.compile(r"[^\W\d_][\w./@-]*")
_PLAIN_VALUE = re.compile(r"[\w./@:+-]+")
_KEYWORDS = {"or", "and", "not", "since", "until", "true", "false", "null"}
_SYMBOLS = {"matches": "~~"}
_LIMITS = {">=": "since:", "<": "until:"}
_NEGATED = {"=": "!=", "~": "!~", "~~": "!~~"}


def to_text(expression: Expression) -> str:
    """Return the canonical text of an expression: `parse` reads the same one from it.

    Holds for expressions that `parse` has made; times are written in UTC.
    """
    match expression:
        case Everything():
            text = ""
        case Text(words):
            text = words if _is_plain_word(words) else quoted(words)
        case Exists(field):
            text = f"{name_text(field)}:*"
        case Comparison():
            text = _comparison(expression, negated=False)
        case Not(Comparison(_, "=" | "~" | "matches") as inner):
            text = _comparison(inner, negated=True)
        case Not(inner):
            text = f"-({to_text(inner)})" if isinstance(inner, And | Or) else f"-{to_text(inner)}"
        case And(parts):
            text = " ".join(f"({to_text(p)})" if isinstance(p, Or) else to_text(p) for p in parts)
        case Or(parts):
            text = " or ".join(map(to_text, parts))
    return text


def together(*filters: str) -> str:
    """Return the text of a filter for what all of these match; a blank one matches everything."""
    return " ".join(f"({text})" for text in filters if text.strip())


def quoted(text: str) -> str:
    """Return `text` in double quotes, with escapes for whatever is not seen."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{"".join(map(_seen, escaped))}"'


def name_text(name: str) -> str:
    """Return a field's name as one types it."""
    plain = NAME.fullmatch(name) and name.lower() not in _KEYWORDS
    return name if plain and not likely_typo(name) else quoted(name)


def value_text(value: Value) -> str:
    """Return a value as one types it, so that text stays text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        # Never with an exponent, which one would not type.
        return format(Decimal(repr(value)), "f").removesuffix(".0")
    if isinstance(value, str):
        plain = _PLAIN_VALUE.fullmatch(value) and value not in _KEYWORDS and ".." not in value
        return value if plain and number(value) is None else quoted(value)
    return str(value)


def _comparison(found: Comparison, *, negated: bool) -> str:
    symbol = _SYMBOLS.get(found.operator, found.operator)
    if negated:
        symbol = _NEGATED[symbol]
    if found.field == "time":
        at = ",".join(instant_text(float(value)) for value in found.values)
        return f"{_LIMITS[symbol]}{at}" if symbol in _LIMITS else f"time{symbol}{at}"
    if found.operator == "matches":
        return f"{name_text(found.field)}{symbol}{_pattern_text(str(found.values[0]))}"
    return f"{name_text(found.field)}{symbol}{','.join(_texts(found.values))}"


def _texts(values: tuple[Value, ...]) -> Iterator[str]:
    """Write values out; a number or truth followed by the same as text was typed as one value."""
    remaining = deque(values)
    while remaining:
        value = remaining.popleft()
        text = remaining[0] if remaining else None
        if isinstance(text, str) and not isinstance(value, str) and _says(text, value):
            yield str(remaining.popleft())
        else:
            yield value_text(value)


def _says(text: str, value: Value) -> bool:
    return text == value_text(value) if isinstance(value, bool) else number(text) == value


def _pattern_text(pattern: str) -> str:
    return f"'{pattern}'" if "'" not in pattern and pattern.isprintable() else quoted(pattern)


def _is_plain_word(words: str) -> bool:
    return _PLAIN_WORD.fullmatch(words) is not None and words.lower() not in _KEYWORDS


def _seen(character: str) -> str:
    if character.isprintable() or ord(character) > 0xFFFF:
        return character
    return f"\\u{ord(character):04x}"
