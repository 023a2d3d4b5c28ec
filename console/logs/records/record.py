"""One log line, understood: an object's well-known fields, or plain text."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from functools import lru_cache
from types import NoneType
from typing import Any, NamedTuple

import msgspec

from console.lines import Line
from console.logs.records.aliases import ALIASES, ATTRIBUTES, LATE, Alias
from console.logs.records.contract import ContractLine, contract_line
from console.logs.records.failures import failure
from console.logs.records.levels import level
from console.logs.records.objects import at_path, cleaned, may_be_object, parse, payload
from console.logs.records.plain import recognise
from console.logs.records.rows import UNDECODABLE
from console.logs.records.times import instant
from console.logs.records.values import text

__all__ = ["DEFAULTS", "Record", "decode", "decode_line", "fields_of", "pretty", "value_of"]

# Of so many kinds of lines it is remembered what their keys mean, if they have not too many.
_KINDS = 256
_MANY = 64


class Record(msgspec.Struct, frozen=True, gc=False, kw_only=True):
    """A log line. Fields that it does not have, or has in another type, are None or empty.

    `at` is in seconds since the epoch, `duration` in milliseconds, `level` one of LEVELS or "".
    `failure` is `Type in folder/file:line`. `structured`: the line is JSON or logfmt; the `event`
    of any other line is all of it. `size` is the length of the whole line in bytes, of which `raw`
    may be only the beginning.
    """

    raw: bytes
    size: int
    at: float | None = None
    level: str = ""
    event: str = ""
    request_id: str = ""
    method: str = ""
    path: str = ""
    route: str = ""
    status: int | None = None
    duration: float | None = None
    user_id: str = ""
    client: str = ""
    logger: str = ""
    failure: str = ""
    structured: bool = False


def decode(line: Line) -> Record:
    """Understand one line; never fails: what is not an object is a text record."""
    raw = cleaned(line.raw)
    if not may_be_object(raw):
        return _of_any(raw, line.size)
    try:
        return _of_contract(contract_line(raw), raw, line.size)
    except UNDECODABLE:
        return _of_any(raw, line.size)


def _of_contract(found: ContractLine, raw: bytes, size: int) -> Record:
    request_id, user_id, status = found.request_id, found.user_id, found.status
    return Record(
        raw=raw,
        size=size,
        at=instant(found.timestamp),
        level=level(found.level) or "",
        event=found.event or "",
        # `trace_id` is another name of it, but null is an answer: see `aliases`.
        request_id="" if request_id is None else request_id or found.trace_id or "",
        method=found.method or "",
        path=found.path or "",
        route=found.route or "",
        status=status if status is not None and 100 <= status <= 999 else None,
        duration=found.duration_ms,
        user_id="" if user_id is None else str(user_id),
        client=found.client or "",
        logger=found.logger or "",
        failure=failure(found.exception) or "" if found.exception is not None else "",
        structured=True,
    )


def _of_any(raw: bytes, size: int) -> Record:
    parsed = parse(raw)
    values: dict[str, Any] = {}
    if parsed is None:
        event = raw.decode("utf-8", "backslashreplace")
        if found := recognise(event):
            _add(values, found, _kind(found)[0])
        values["event"] = event
        return Record(raw=raw, size=size, **values)
    outer, inner, prefix = parsed
    early, late = _kind(outer)
    _add(values, outer, early)
    if inner:
        _add(values, inner, _kind(inner)[0])
    _add(values, outer, late)
    if prefix and "at" not in values:
        values["at"] = instant(prefix)
    return Record(raw=raw, size=size, structured=True, **values)


def decode_line(raw: bytes) -> Record:
    """Understand a whole line, given without its newline."""
    return decode(Line(raw, len(raw)))


def fields_of(record: Record) -> dict[str, Any]:
    """Return everything that a line says under its own names, an inner line's fields among them."""
    parsed = parse(record.raw) if record.structured else None
    return {**parsed.inner, **parsed.outer} if parsed else {}


def value_of(record: Record, name: str) -> Any:
    """Return what a record has in a field, which is canonical or a dotted path.

    None for what is missing, null or empty.
    """
    if name in ATTRIBUTES:
        value = getattr(record, ATTRIBUTES[name])
    elif record.structured and (parsed := parse(record.raw)):
        value = at_path(parsed.outer, name)
        if value is None or value == "":
            value = at_path(parsed.inner, name)
    else:
        value = None
    return None if value == "" else value


def pretty(record: Record) -> str:
    """Return the record's JSON with indentation, duplicate keys and all, or its text."""
    body = payload(record.raw)[1]
    before = record.raw[: len(record.raw) - len(body)]
    if record.structured:
        # Broken bytes are shown as they are; logfmt is no JSON.
        with suppress(msgspec.DecodeError, RecursionError):
            body = msgspec.json.format(body, indent=2)
    return (before + body).decode("utf-8", "backslashreplace")


class _Candidates(NamedTuple):
    """One field: the first of all its names if an object has that, and the others it may have."""

    attribute: str
    first: str
    as_it_is: type
    read: Callable[[Any], Any]
    others: tuple[Alias, ...]


_Kind = tuple[list[_Candidates], list[_Candidates]]


def _add(values: dict[str, Any], found: dict[str, Any], candidates: list[_Candidates]) -> None:
    """Add those of the fields that are not in `values` yet."""
    for attribute, first, as_it_is, read, others in candidates:
        if attribute in values:
            continue
        if first:
            told = found[first]
            if told is None:
                values[attribute] = DEFAULTS[attribute]
                continue
            value = told if type(told) is as_it_is and told else read(told)
            if value is not None:
                values[attribute] = value
                continue
        for path, understand in others:
            value = understand(at_path(found, path))
            if value is not None:
                values[attribute] = value
                break


def _kind(found: dict[str, Any]) -> _Kind:
    """Tell by its keys what an object may hold, under the aliases that count early and late.

    A log has few kinds of lines; what their keys mean is worked out once for each.
    """
    keys = tuple(found)
    return _remembered(keys) if len(keys) < _MANY else _worked_out(keys)


def _worked_out(keys: tuple[str, ...]) -> _Kind:
    known = frozenset(keys)
    return _candidates(known, ALIASES), _candidates(known, LATE)


def _candidates(known: frozenset[str], table: Mapping[str, tuple[Alias, ...]]) -> list[_Candidates]:
    every = []
    for name, aliases in table.items():
        present = [a for a in aliases if not known.isdisjoint((a.path, a.path.split(".")[0]))]
        if present:
            path, read = present[0]
            first = path == ALIASES[name][0].path
            every.append(
                _Candidates(
                    ATTRIBUTES[name],
                    path if first else "",
                    _AS_IT_IS.get(read, NoneType),
                    read,
                    tuple(present[1:] if first else present),
                )
            )
    return every


_remembered = lru_cache(maxsize=_KINDS)(_worked_out)
# What is read from a text that is not empty, or from a duration that is not 0, is the same.
_AS_IT_IS: Mapping[Any, type] = {text: str, ALIASES["duration_ms"][0].read: float}
DEFAULTS = {field.name: field.default for field in msgspec.structs.fields(Record)}
"""What a record has in a field that its line does not have."""
