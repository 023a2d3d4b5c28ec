"""What must be true of any bytes and of any text: each target is given some and raises if not."""

import unicodedata
from collections.abc import Callable, Mapping
from typing import Any

from console.lines import Line
from console.logs.filters.completion import complete
from console.logs.filters.errors import FilterError, pointed
from console.logs.filters.expression import Expression
from console.logs.filters.formatter import to_text
from console.logs.filters.parser import Filter, parse, reread
from console.logs.filters.plan import compile as plan_of
from console.logs.filters.reference import matches
from console.logs.filters.seen import NAMES, VALUES, FieldNames
from console.logs.records import decode, decode_line, pretty, value_of
from console.logs.records.aliases import ALIASES, ATTRIBUTES
from console.logs.records.wanted import Columns
from console.logs.statistics.render import render
from console.logs.statistics.statistics import Statistics
from console.text import fit, visible, width_of
from console.watch.line_fields import choice, line_fields
from console.widgets.log_columns import Columns as Layout

__all__ = ["FILTERS", "TARGETS", "block", "filter_text", "line", "shown_text"]

FILTERS = (
    "level>=error",
    "status>=500 duration_ms>250",
    "-health (timeout or path~/api)",
    "user_id=null -request_id:*",
    "a.b:* exception~Error",
    "message~~^[a-z]+$ time>=2020-01-01",
    '"\x1b[31m" or naïve',
)
_EXPRESSIONS: dict[str, Expression] = {text: parse(text, 1.8e9).expression for text in FILTERS}
_PLANS = {text: plan_of(expression) for text, expression in _EXPRESSIONS.items()}
_FIELDS = (*ALIASES, "a.b", "ctx", 'odd"name')
_DANGEROUS = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"})
_WIDTHS = (60, 119, 200)


def line(raw: bytes) -> None:
    """One line, on its way to the Logs screen and the detail view."""
    raw = raw.replace(b"\n", b" ")
    record = decode(Line(raw, len(raw) + 9_999))
    for width in _WIDTHS:
        row = "".join(text for text, _ in Layout.fit(width).draw(record))
        assert width_of(row) == width, row
        _printable(row)
    for shown in pretty(record).split("\n"):
        _printable(visible(shown))
    for field in line_fields(record)[:6]:
        _printable(fit(field.text, 20))
        told = choice(record, field)
        if told is not None:
            assert matches(told.same, record), field
            assert not matches(told.others, record), field
    names = FieldNames()
    names.add(record)
    assert len(names) <= NAMES
    for name in names:
        known = names.get(name)
        assert known is not None
        assert len(known.values) <= VALUES
    for offer in complete("", 0, names):
        # What is offered can be typed: it means this field.
        if offer.kind == "field":
            parse(f"{offer.text}:*", seen=names)


def block(raw: bytes) -> None:
    """A block of lines: read, filtered and counted at once or one by one, it is the same."""
    lines = raw.removesuffix(b"\n").split(b"\n")
    records = [decode_line(each) for each in lines]
    columns = Columns(_FIELDS)(raw) if raw else [[] for _ in _FIELDS]
    for name, column in zip(_FIELDS, columns, strict=True):
        if raw:
            expected = [_told(record, name) for record in records]
            assert list(map(repr, column)) == list(map(repr, expected)), name
    for text, expression in _EXPRESSIONS.items():
        wanted = [n for n, record in enumerate(records) if raw and matches(expression, record)]
        assert _PLANS[text].select(raw) == wanted, text
    quick, plain = Statistics(), Statistics()
    quick.add_block(raw)
    plain.add(records if raw else [])
    told = quick.summary()
    assert _figures(told) == _figures(plain.summary())
    for row in render(told, 80).split("\n"):
        assert width_of(row) <= 80
        _printable(row)


def filter_text(text: str) -> None:
    """A filter as somebody types it: it has a meaning, or an error that points into it."""
    found = _parsed(text)
    if isinstance(found, FilterError):
        assert 0 <= found.column <= len(text)
        assert 1 <= found.length <= len(text) - found.column + 1
        for row in pointed(text, found).split("\n"):
            _printable(row)
    else:
        canonical = to_text(found.whole)
        assert to_text(reread(canonical).whole) == canonical
    names = FieldNames()
    names.add(decode_line(b'{"tenant":"acme","odd name":1,"\\u001b[31m":"\\u202e"}'))
    for cursor in {0, len(text) // 2, len(text)}:
        for offer in complete(text, cursor, names):
            assert 0 <= offer.start <= offer.end == cursor
            _printable(visible(offer.text))


def shown_text(text: str) -> None:
    """Any text on its way to a terminal."""
    for limit in (1, 7, 80, 2_000):
        shown = visible(text, limit)
        assert len(shown) <= limit
        _printable(shown)
        assert width_of(fit(text, limit)) == limit


TARGETS: Mapping[str, Callable[[Any], None]] = {
    "block": block,
    "line": line,
    "filter": filter_text,
    "text": shown_text,
}
"""The first two take bytes, the others text."""


def _parsed(text: str) -> Filter | FilterError:
    try:
        return parse(text, 1.8e9)
    except FilterError as error:
        return error


def _told(record: Any, name: str) -> Any:
    return getattr(record, ATTRIBUTES[name]) if name in ATTRIBUTES else value_of(record, name)


def _figures(summary: Any) -> Any:
    # Sightings of lines in a block tell where in it they are.
    return (
        *(summary.lines, summary.levels, summary.requests, summary.failed, summary.statuses),
        [(each.signature, each.count) for each in summary.signatures],
        [(each.route, each.requests, each.failed) for each in summary.routes],
        summary.clients,
        summary.users,
    )


def _printable(text: str) -> None:
    found = {each for each in set(text) if unicodedata.category(each) in _DANGEROUS}
    assert not found, ascii(found)
