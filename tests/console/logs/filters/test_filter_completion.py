"""What is offered can be typed, comes from the log, and stays bounded whatever is logged."""

import json
import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.filters.completion import COMPLETIONS, complete
from console.logs.filters.parser import parse
from console.logs.filters.seen import NAMES, VALUES, FieldNames
from console.logs.records import decode_line


def seen(*lines: dict[str, object]) -> FieldNames:
    fields = FieldNames()
    for line in lines:
        fields.add(decode_line(json.dumps(line).encode()))
    return fields


FIELDS = seen(
    *(
        {
            "timestamp": "2026-01-15T10:30:00Z",
            "level": "INFO",
            "event": "request",
            "request_id": f"r{number}",
            "method": "GET",
            "route": "/users/<int:id>",
            "status": [200, 200, 404][number % 3],
            "duration_ms": number + 0.5,
            "ctx": {"tenant": "acme inc", "ok": True},
            "retries": number % 2,
            "stauts": "x",
            "odd name": "y",
        }
        for number in range(30)
    )
)


def offered(text: str) -> list[str]:
    return [completion.text for completion in complete(text, len(text), FIELDS)]


@pytest.mark.parametrize(
    ("text", "first"),
    [
        ("sta", ["status", '"stauts"']),
        ("-sta", ["status"]),
        ("(a or met", ["method"]),
        ("tenant", ["ctx.tenant"]),
        ("status", ["=", "!=", ">=", ">", "<=", "<", ":*"]),
        ("status ", ["=", "!="]),
        ("retries", ["=", "!=", ">="]),
        ("route", ["=", "!=", "~", "!~", "~~"]),
        ("status=", ["200", "404", "5xx"]),
        ("status=2", ["200", "2xx"]),
        ("status=404,", ["200", "404"]),
        ("status >= ", ["200", "404"]),
        ("level>=", ["critical", "error", "warning", "info", "debug"]),
        ("level>=w", ["warning"]),
        ("severity>=w", ["warning"]),
        ("method=g", ["GET"]),
        ("route=", ['"/users/<int:id>"']),
        ("ctx.tenant=a", ['"acme inc"']),
        ('ctx.tenant="acme i', ['"acme inc"']),
        ("ctx.ok=", ["true", "false"]),
        ("`odd name`=", ["y"]),
        ("since:", ["10m", "1h"]),
        ("a until:y", ["yesterday"]),
        ("since", ["since:"]),
        ("time>=", ["10m"]),
    ],
)
def test_what_is_offered_first(text: str, first: list[str]) -> None:
    assert offered(text)[: len(first)] == first


@pytest.mark.parametrize(
    "text", ['"a b', "message~~", "request_id=", 'x="', "status=5xx", "10.0.0.1:", "duration_ms>"]
)
def test_where_nothing_is_known_nothing_is_offered(text: str) -> None:
    assert offered(text) == []


@pytest.mark.parametrize(
    "text",
    [
        "level=",
        "a -level>=w",
        "status=404,",
        "route=",
        "ctx.tenant=a",
        "ctx.ok=",
        "since:",
        "method!=",
        "time>=",
        "`odd name`=",
    ],
)
def test_a_value_that_was_chosen_makes_a_filter(text: str) -> None:
    completions = complete(text, len(text), FIELDS)
    assert completions
    for chosen in completions:
        parse(text[: chosen.start] + chosen.text + text[chosen.end :])


def test_a_field_that_was_chosen_makes_a_filter() -> None:
    names = [c for c in complete("", 0, FIELDS) if c.kind == "field"]
    assert len(names) > 12
    for chosen in names:
        parse(f"{chosen.text}:*")


def test_the_cursor_may_be_in_the_middle() -> None:
    (chosen,) = complete("lev >=error", 3, FIELDS)[:1]
    assert (chosen.text, chosen.start, chosen.end) == ("level", 0, 3)


@given(st.text(alphabet="stalevn=<>!~:,\"'`() -01", max_size=30), st.integers(0, 30))
def test_anything_may_be_completed(text: str, cursor: int) -> None:
    cursor = min(cursor, len(text))
    found = complete(text, cursor, FIELDS)
    assert len(found) <= COMPLETIONS
    assert all(0 <= c.start <= c.end == cursor for c in found)


def test_what_is_common_outlives_a_flood_of_names_and_values() -> None:
    fields = FieldNames()
    usual = {"level": "INFO", "usual": "value"}
    for number in range(1_000):
        flood = {f"x{number}-{index}": index for index in range(100)}
        fields.add(decode_line(json.dumps(usual | flood).encode()))
        fields.add(decode_line(json.dumps(usual | {"many": f"v{number}"}).encode()))
    assert len(fields) <= NAMES
    assert {"level", "usual", "many"} <= set(list(fields)[:3])
    usually, many = fields.get("usual"), fields.get("many")
    assert usually
    assert many
    assert usually.common() == [("value", 2_000)]
    assert len(many.values) <= VALUES


def test_a_hostile_line_costs_little() -> None:
    deep = '{"a":' * 500 + "1" + "}" * 500
    wide = json.dumps({f"{index}": "v" * 100 for index in range(600)})
    long = json.dumps({"n" * 10_000: 1, "": 2, "v": "x" * 10_000, "\udc80": "\udc80"})
    fields = FieldNames()
    started = time.process_time()
    for line in (deep, wide, long, "[]", "\0"):
        fields.add(decode_line(line.encode()))
    assert time.process_time() - started < 0.2
    assert all(len(name) <= 100 for name in fields)
    assert offered_in(fields)


def offered_in(fields: FieldNames) -> bool:
    return all(
        c.text.isprintable() for text in ("", "v=") for c in complete(text, len(text), fields)
    )
