"""Each field of a line becomes a filter that keeps this line, and one that leaves it out."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.filters.formatter import to_text
from console.logs.filters.parser import parse
from console.logs.filters.plan import Plan
from console.logs.records import decode_line
from console.watch.line_fields import FIELDS_SHOWN, LineField, choice, line_fields

LINE: dict[str, object] = {
    "timestamp": "2026-01-15T10:30:00.123Z",
    "level": "WARN",
    "event": "request",
    "status": 503,
    "duration_ms": 45.25,
    "user_id": 42,
    "tenant": "acme",
    "path": None,
    "empty": "",
    "cached": True,
    "ctx": {"deep": {"id": "007"}, "log.x": 1},
    "tags": ["a", "b c"],
    "exception": {"type": "KeyError", "frames": ["a.py:1 f", "b.py:2 g"]},
    "causes": [{"type": "OSError"}, "and more"],
    "large": 10**40,
    "odd name (1)": 'a "b" \\c',
    "long": "x" * 5_000,
}


def filters_of(raw: bytes) -> dict[str, str]:
    record = decode_line(raw)
    found = {}
    for field in line_fields(record):
        made = choice(record, field)
        if made is not None:
            found[field.name] = to_text(made.same)
            for part, count in ((made.same, 1), (made.others, 0)):
                read = parse(to_text(part), seen=[field.name])
                assert Plan(read.whole).count(raw + b"\n") == count, to_text(part)
    return found


def test_a_filter_for_every_field() -> None:
    found = filters_of(json.dumps(LINE).encode())
    expected = {
        "timestamp": "since:2026-01-15T10:30:00.123000Z",
        "level": "level=warning",
        "event": "message=request",
        "status": "status=503",
        "duration_ms": "duration_ms=45.25",
        "user_id": "user_id=42",
        "tenant": "tenant=acme",
        "path": "-path:*",
        "empty": "-empty:*",
        "cached": "cached=true",
        "ctx.deep.id": "ctx.deep.id=007",
        "ctx.log.x": '"1"',
        "tags": 'tags~"[\\"a\\",\\"b c\\"]"',
        "exception.type": "exception.type=KeyError",
        "causes.0.type": "OSError",
        "causes.1": '"and more"',
        "odd name (1)": '"odd name (1)"="a \\"b\\" \\\\c"',
    }
    assert expected.items() <= found.items()
    assert set(found) == {
        field.name for field in line_fields(decode_line(json.dumps(LINE).encode()))
    }


@pytest.mark.parametrize(
    ("raw", "name", "told"),
    [
        (b"Killed", "message", "message=Killed"),
        (
            b'10.0.0.1 - - [15/Jan/2026:10:30:00 +0000] "GET /x HTTP/1.1" 404 5',
            "status",
            "status=404",
        ),
        (b"level=info msg=hi tenant=acme", "tenant", "tenant=acme"),
        (b'{"log":"{\\"event\\":\\"inner\\",\\"a\\":1}\\n","stream":"stdout"}', "a", "a=1"),
    ],
)
def test_lines_of_other_formats(raw: bytes, name: str, told: str) -> None:
    assert filters_of(raw)[name] == told


def test_lists_and_texts_are_told_as_lines() -> None:
    assert LineField("frames", ["a", "b"]).text == "a\nb"
    assert LineField("x", [1, None]).text == "1\nnull"
    assert LineField("x", None).text == "null"
    assert LineField("x", "").text == '""'


def test_very_many_fields_are_not_all_shown() -> None:
    raw = json.dumps({f"f{number}": number for number in range(10_000)}).encode()
    assert len(line_fields(decode_line(raw))) == FIELDS_SHOWN


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)


@settings(max_examples=60, deadline=None)
@given(st.dictionaries(st.text() | st.sampled_from(list(LINE)), VALUES, max_size=5))
def test_any_line_can_be_looked_at(line: dict[str, object]) -> None:
    filters_of(json.dumps(line).encode())


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_can_be_looked_at(raw: bytes) -> None:
    filters_of(raw.replace(b"\n", b""))
