"""A log line, field by field, and what a filter says of each."""

from collections.abc import Iterator
from itertools import islice
from typing import Any, NamedTuple

from console.logs.filters.errors import FilterError
from console.logs.filters.expression import Comparison, Exists, Expression, Not, Text, negation
from console.logs.filters.fields import FIELDS, canonical
from console.logs.filters.formatter import name_text, quoted, to_text
from console.logs.filters.parser import parse
from console.logs.filters.plan import Plan
from console.logs.records import Record, fields_of, value_of
from console.logs.records.values import json_text
from console.watch.leads import is_value

__all__ = ["FIELDS_SHOWN", "Choice", "LineField", "choice", "line_fields"]

FIELDS_SHOWN = 2_000
"""So many fields of a line are shown at most."""
_DEPTH = 8
# A longer value is looked for by its beginning.
_LONG = 200


class LineField(NamedTuple):
    """A field of a line. `name` is the path to it, with the numbers of list items in it; `inside`
    tells whether there are any, for such a path means nothing to a filter."""

    name: str
    value: Any
    inside: bool = False

    @property
    def text(self) -> str:
        """The value as text: a list of texts as lines, anything but text as JSON."""
        if isinstance(self.value, list):
            return "\n".join(json_text(item) or "null" for item in self.value)
        return (json_text(self.value) or "null") if self.value != "" else '""'


class Choice(NamedTuple):
    """Conditions for a filter: the lines that have the same, and the others."""

    same: Expression
    others: Expression


def line_fields(record: Record) -> list[LineField]:
    """Return what a line says, in its order, nested fields by their paths; of a line that is only
    text what was understood of it as well."""
    if record.structured and (found := fields_of(record)):
        return list(islice(_flat(found, "", _DEPTH, inside=False), FIELDS_SHOWN))
    known = ((name, value_of(record, name)) for name in FIELDS if name not in {"message", "time"})
    understood = [LineField(name, value) for name, value in known if value is not None]
    return [LineField("message", record.event), *understood]


def choice(record: Record, field: LineField) -> Choice | None:
    """Return how to keep the lines with this value, or leave them out; None where no filter can
    tell. Of the time it is the lines from this one on, and those before."""
    name = canonical(field.name)
    if name == "time":
        if record.at is None:
            return None
        return Choice(Comparison("time", ">=", (record.at,)), Comparison("time", "<", (record.at,)))
    for condition in _conditions(record, field, name):
        try:
            same = condition()
            # What cannot be typed cannot be shown as a filter either.
            read = parse(to_text(same), seen=[field.name]).whole
        except FilterError:
            continue
        if Plan(read).count(record.raw + b"\n") == 1:
            return Choice(read, negation(read))
    return None


def _conditions(record: Record, field: LineField, name: str) -> Iterator[Any]:
    """Yield ways to make a condition, the most exact one first."""
    value = value_of(record, name) if name in FIELDS else field.value
    if not field.inside and value in (None, ""):
        yield lambda: Not(Exists(name))
    elif not field.inside:
        text = value if isinstance(value, str) else json_text(value) or ""
        if len(text) <= _LONG and not isinstance(value, list | dict):
            yield lambda: is_value(name, value)
        yield lambda: parse(f"{name_text(name)}~{quoted(text[:_LONG])}").whole
    yield lambda: _text(field.text.split("\n")[0][:_LONG])


def _text(words: str) -> Expression:
    found = parse(quoted(words)).whole
    if not isinstance(found, Text):
        raise FilterError("these are no words", 0)
    return found


def _flat(found: dict[str, Any], prefix: str, depth: int, *, inside: bool) -> Iterator[LineField]:
    for key, value in found.items():
        yield from _values(f"{prefix}{key}", value, depth, inside=inside)


def _values(name: str, value: Any, depth: int, *, inside: bool) -> Iterator[LineField]:
    nested = isinstance(value, list) and any(isinstance(item, dict) for item in value)
    if isinstance(value, dict) and value and depth > 1:
        yield from _flat(value, f"{name}.", depth - 1, inside=inside)
    elif nested and depth > 1:
        for number, item in enumerate(value):
            yield from _values(f"{name}.{number}", item, depth - 1, inside=True)
    else:
        yield LineField(name, value, inside)
