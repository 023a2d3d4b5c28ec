"""From a figure of the statistics to the lines it stands for."""

import re

from console.logs.filters.expression import (
    Comparison,
    Exists,
    Expression,
    Not,
    Value,
    all_of,
    any_of,
)
from console.logs.filters.formatter import name_text, value_text
from console.logs.filters.parser import parse
from console.logs.filters.pattern_syntax import escaped
from console.logs.filters.words import number
from console.logs.statistics.sections import Item, Kind
from console.logs.statistics.sightings import Sighting
from console.logs.statistics.summary import FailureFigures, Named, RouteFigures

__all__ = ["is_value", "lines_behind"]

_LABEL = re.compile(r"(?:([A-Za-z]{1,20}) )?(.*)", re.DOTALL)
_PLACED = re.compile(r".+ in \S+:\d+")
_STATUS = re.compile(r"status (\d{3})(?: .*)?", re.DOTALL)
_ID, _END = "…", r"(\?|$)"
# As long as this, a name has been cut.
_CUT, _CUT_NAME = 200, 100
_LONG_ID = 80


def lines_behind(kind: Kind, item: Item) -> Expression | None:
    """Return a filter for the lines that an item of the statistics has counted; None where the time
    of the line is all that is known."""
    match item:
        case RouteFigures():
            return all_of([*_place(item.route), Exists("status")])
        case FailureFigures():
            return _failure(item)
        case Named(name):
            field = "client" if kind == "client" else "user_id"
            if len(name) >= _CUT_NAME:
                return Comparison(field, "matches", (f"^{escaped(name)}",))
            return is_value(field, name)
        case Sighting():
            return is_value("request_id", item.request_id) if item.request_id else None


def is_value(field: str, value: Value) -> Expression:
    """Return what `field=value` means, typed in the most common way. Raises FilterError."""
    text = value_text(value)
    if isinstance(value, str) and number(value) is not None:
        # As a number, it is found as a text as well.
        text = value
    return parse(f"{name_text(field)}={text}").whole


def _failure(item: FailureFigures) -> Expression:
    where = next((each.where for each in item.samples if each.where), "")
    errors = Comparison("level", ">=", ("error",))
    status = _STATUS.fullmatch(item.signature)
    if status and any(str(each.status) == status[1] for each in item.samples):
        told: list[Expression] = [is_value("status", int(status[1])), *_place(where)]
        if int(status[1]) < 500:
            told.append(errors)
        return all_of([*told, Not(Exists("exception"))])
    if not item.signature.endswith(where) or _PLACED.fullmatch(item.signature):
        return _exception(item.signature)
    title = item.signature.removesuffix(f" {where}") if where else item.signature
    # What stood behind is not known of a message that may have been cut.
    whole = len(title) + _LONG_ID * title.count(_ID) < _CUT
    said = Comparison("message", "matches", (_folded(title, "$" if whole else ""),))
    message = all_of([errors, said, Not(Exists("status")), *_place(where)])
    # Without a request around it, an exception without a place is called the same.
    return message if where or _ID in title else any_of([_exception(title), message])


def _exception(name: str) -> Expression:
    if len(name) >= _CUT:
        return Comparison("exception", "matches", (f"^{escaped(name)}",))
    return is_value("exception", name)


def _place(label: str) -> list[Expression]:
    """Return the conditions of a label: the method, and the route or else the path."""
    found = _LABEL.fullmatch(label)
    method, place = (found[1] or "", found[2]) if found else ("", label)
    parts = [is_value("method", method) if method else Not(Exists("method"))]
    if not place:
        parts += [Not(Exists("path")), Not(Exists("route"))]
    else:
        cut = len(label) >= _CUT
        path = Comparison("path", "matches", (_folded(place, "" if cut else _END),))
        route = is_value("route", place)
        if cut:
            route = Comparison("route", "matches", (f"^{escaped(place)}",))
        without = Not(Exists("route"))
        if _ID in place:
            parts += [path, without]
        elif "{" in place or "<" in place:
            parts.append(route)
        else:
            parts.append(any_of([route, all_of([path, without])]))
    return parts


def _folded(text: str, end: str) -> str:
    """Return a pattern for what has become `text` when ids and numbers were taken out of it."""
    gap = r"[^/?]+" if end == _END else ".+"
    return f"^{gap.join(map(escaped, text.split(_ID)))}{end}"
