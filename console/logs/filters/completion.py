"""What may be typed next."""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, NamedTuple

from console.logs.filters.fields import FIELDS, canonical
from console.logs.filters.formatter import name_text, value_text
from console.logs.filters.seen import FieldNames
from console.logs.records import LEVELS

__all__ = ["COMPLETIONS", "Completion", "complete"]

Kind = Literal["field", "operator", "value", "keyword"]

COMPLETIONS = 50
"""As many as are offered."""

_TOKEN = re.compile(
    r"""(?P<space>\s+)
    | (?P<quoted>"(?:\\.|[^"\\])*"? | '[^']*'? | `[^`]*`?)
    | (?P<operator>!?~~? | !=|==?~? | [<>]=?)
    | (?P<punctuation>[(),])
    | (?P<word>(?:[^\s()=<>~!,]|!(?![=~]))+ | .)""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS = {
    "since:": "from a time on",
    "until:": "to before a time",
    "or": "either side",
    "not": "the other lines; - for short",
}
_TIMES = {
    "10m": "ten minutes ago",
    "1h": "an hour ago",
    "1d": "a day ago",
    "today": "midnight",
    "yesterday": "the midnight before",
}
_STATUS_CLASSES = ("5xx", "4xx", "3xx", "2xx")
_ORDERED = ("=", "!=", ">=", ">", "<=", "<", ":*")
_TEXTUAL = ("=", "!=", "~", "!~", "~~", "!~~", ":*")
_MEANING = {
    "=": "is",
    "!=": "is not",
    "<": "below",
    "<=": "at most",
    ">": "above",
    ">=": "at least",
    "~": "contains",
    "!~": "does not contain",
    "~~": "matches a regular expression",
    "!~~": "does not match a regular expression",
    ":*": "is there",
}


@dataclass(frozen=True, slots=True)
class Completion:
    """A text to put in the place of the characters `start` to `end`, and what it means."""

    text: str
    start: int
    end: int
    kind: Kind
    hint: str = ""


class _Place(NamedTuple):
    """Where the cursor is: after which name and operator, and in what that has begun."""

    name: str
    operator: str
    begun: str

    @property
    def in_quotes(self) -> bool:
        return self.begun[:1] in {'"', "'", "`"}


def complete(text: str, cursor: int, fields: FieldNames) -> list[Completion]:
    """Return what may be typed at `cursor`, the likeliest first; nothing within a quoted text."""
    place = _place(text[:cursor])
    if place.operator:
        return _matching(_values(place, fields), place.begun.strip("\"'"), place.begun, cursor)
    if place.in_quotes:
        return []
    begun = place.begun.lstrip("-!")
    keyword, colon, time = begun.partition(":")
    if colon:
        times = _TIMES.items() if keyword.lower() in {"since", "until"} else ()
        return _matching((("value", *offer) for offer in times), time, time, cursor)
    name = canonical(begun or place.name)
    operators = _operators(name, fields) if name in FIELDS or name in fields else ()
    offered = [Completion(o, cursor, cursor, "operator", _MEANING[o]) for o in operators]
    return (offered + _matching(_terms(fields), begun, begun, cursor))[:COMPLETIONS]


def _place(before: str) -> _Place:
    name = operator = begun = ""
    given = False
    for found in _TOKEN.finditer(before):
        kind, typed = found.lastgroup, found[0]
        begun = typed if kind in {"word", "quoted"} else ""
        if kind == "operator":
            operator, given = typed, False
        elif typed == "," and operator:
            given = False
        elif kind == "punctuation" or (given and begun) or (given and kind == "space"):
            name, operator, given = begun.strip("`\"'"), "", False
        elif begun and operator:
            given = True
        elif begun:
            name = begun.strip("`\"'").lstrip("-!")
    return _Place(canonical(name), operator, begun)


_Offer = tuple[Kind, str, str]


def _matching(
    offers: Iterable[_Offer], wanted: str, replaced: str, cursor: int
) -> list[Completion]:
    """Return the offers that begin with, then those that contain, what is wanted."""
    wanted, start = wanted.lower(), cursor - len(replaced)
    found = [
        Completion(text, start, cursor, kind, hint)
        for kind, text, hint in offers
        if wanted in text.lower() and text != replaced
    ]
    found.sort(key=lambda completion: not completion.text.lower().lstrip('"').startswith(wanted))
    return found[:COMPLETIONS]


def _terms(fields: FieldNames) -> Iterator[_Offer]:
    for name in dict.fromkeys([*FIELDS, *fields]):
        seen = fields.get(name)
        yield "field", name_text(name), f"{seen.type}, seen {seen.count} times" if seen else ""
    for keyword, hint in _KEYWORDS.items():
        yield "keyword", keyword, hint


def _operators(name: str, fields: FieldNames) -> tuple[str, ...]:
    kind = FIELDS.get(name, "text")
    seen = fields.get(name)
    ordered = kind != "text" or (seen is not None and seen.type == "number")
    return _ORDERED if ordered else _TEXTUAL


def _values(place: _Place, fields: FieldNames) -> Iterator[_Offer]:
    if place.operator.endswith("~~") or place.operator == "=~":
        return
    kind = FIELDS.get(place.name, "text")
    if kind == "level":
        yield from (("value", level, "") for level in reversed(LEVELS))
    elif kind == "time":
        yield from (("value", time, hint) for time, hint in _TIMES.items())
    elif (seen := fields.get(place.name)) is not None:
        if seen.type == "truth":
            yield from (("value", truth, "") for truth in ("true", "false"))
        for value, count in seen.common():
            yield "value", value_text(value), f"seen {count} times"
    if kind == "number" and place.operator in {"=", "!="}:
        yield from (("value", status, "") for status in _STATUS_CLASSES)
