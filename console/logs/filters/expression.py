"""What a filter means, as a tree.

**Fields.** A field is a canonical name (`FIELDS` in `fields.py`: `level`, `status`, `duration_ms`,
…), which covers its aliases in every known format and is normalised as `Record` has it, or else a
dotted path into the line's object: `ctx.tenant` is the key `ctx.tenant` where the object has one,
otherwise `tenant` inside `ctx`. `records.value_of` is the exact meaning of both.

**Missing.** Absent, `null` and the empty text are the same: the line does not have the field. For a
canonical name that also covers what could not be understood (a status of `"ok"`). Hence there is
no third truth value: a comparison with a field that is not there is false, its `Not` is true.

**Types.** Nothing is converted behind one's back, with one exception that `Comparison` names: text
that is a plain number may be ordered. `True` is not 1. The parser writes what was meant into the
values: `user_id=42` is `("=", (42, "42"))`, `cached=true` is `("=", (True, "true"))`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

__all__ = [
    "And",
    "Comparison",
    "Everything",
    "Exists",
    "Expression",
    "Not",
    "Operator",
    "Or",
    "Text",
    "Value",
    "all_of",
    "any_of",
    "negation",
]

Value = str | int | float | bool
Operator = Literal["=", "<", "<=", ">", ">=", "~", "matches"]


@dataclass(frozen=True, slots=True)
class Everything:
    """Every line: the empty filter."""


@dataclass(frozen=True, slots=True)
class Text:
    """The line holds these words, one after the other, as they are typed.

    It holds them when its bytes do, or when they do once its backslash escapes are resolved (at
    most twice: JSON within JSON), so that `naïve` finds `na\\u00efve`. `words.py` is the exact
    meaning; two facts make it cheap. A line whose bytes hold `words.encode()` matches, whatever
    else is in it. A line that does not can only match if it holds a backslash.

    `exact_case` is off for words without a capital: both sides are then folded (`words.fold`:
    ASCII letters as `bytes.lower` does, no other letter ever becomes an ASCII one, so words that
    are ASCII can be looked for in `block.lower()`). `words` are already folded in that case.
    """

    words: str
    exact_case: bool


@dataclass(frozen=True, slots=True)
class Comparison:
    """The field is there and stands in this relation to any of the values; `!=` is a `Not`.

    - `=`: the same type and the same value. `int` and `float` are one type, `bool` is another.
      Lists and objects equal nothing.
    - `<`, `<=`, `>`, `>=` have one value. For `level` it is a name of `LEVELS` and the order is
      `rank`'s; a line without a level never matches. Otherwise it is a number (`time`: seconds
      since the epoch), and the field is a number or text that is a plain one (`words.number`).
    - `~`: the field's text contains the value's. Text is itself; anything else is its compact JSON
      (`words.text_of`). A value without a capital is folded, and so is the text then.
    - `matches`: `patterns.Pattern(value).search(words.text_of(field))`.
    """

    field: str
    operator: Operator
    values: tuple[Value, ...]


@dataclass(frozen=True, slots=True)
class Exists:
    """The field is there, whatever it holds."""

    field: str


@dataclass(frozen=True, slots=True)
class Not:
    """The other lines; never the `Not` of a `Not`."""

    inner: "Expression"


@dataclass(frozen=True, slots=True)
class And:
    """Lines that match all of them; at least two, none of them an `And`."""

    parts: tuple["Expression", ...]


@dataclass(frozen=True, slots=True)
class Or:
    """Lines that match any of them; at least two, none of them an `Or`."""

    parts: tuple["Expression", ...]


Expression = Everything | Text | Comparison | Exists | Not | And | Or


def all_of(parts: Iterable[Expression]) -> Expression:
    """Return the lines that match all of `parts`, however few; an `And` among them is flattened."""
    flat = tuple(_flat(parts, And))
    return And(flat) if len(flat) > 1 else flat[0] if flat else Everything()


def any_of(parts: Iterable[Expression]) -> Expression:
    """Return the lines that match any of `parts`, at least one; an `Or` among them is flattened."""
    flat = tuple(_flat(parts, Or))
    return Or(flat) if len(flat) > 1 else flat[0]


def negation(inner: Expression) -> Expression:
    """Return the other lines."""
    return inner.inner if isinstance(inner, Not) else Not(inner)


def _flat(parts: Iterable[Expression], kind: type[And | Or]) -> Iterable[Expression]:
    for part in parts:
        if isinstance(part, kind):
            yield from part.parts
        elif not isinstance(part, Everything):
            yield part
