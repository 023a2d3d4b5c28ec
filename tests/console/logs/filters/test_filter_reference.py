"""Which lines a filter finds: typed, without a third truth value, and without conversions."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.filters.fields import FIELDS
from console.logs.filters.parser import parse
from console.logs.filters.reference import matches
from console.logs.records import decode_line
from console.logs.records.aliases import ALIASES

NOW = 1_768_473_000.0  # 2026-01-15T10:30:00Z

LINE = {
    "timestamp": "2026-01-15T10:29:00.123Z",
    "level": "ERROR",
    "event": "request",
    "request_id": "abc123",
    "method": "POST",
    "path": "/api/v1/users",
    "status": 503,
    "duration_ms": 251.5,
    "user_id": 42,
    "ctx": {"tenant": "acme", "tags": ["beta", "x"]},
    "a.b": 1,
    "retries": "5",
    "cached": True,
    "note": "na\u00efve Ärger",
    "nothing": None,
    "empty": "",
    "zero": 0,
}


def found(text: str, fields: object = LINE) -> bool:
    raw = json.dumps(fields).encode()
    return matches(parse(text, NOW).whole, decode_line(raw))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "level>=warning",
        "level=err",
        "severity<critical",
        "status>=500",
        "status=500..599",
        "status=404,5xx",
        "-status=4xx",
        "duration>0.25s",
        "duration_ms<252",
        "user_id=42",
        'user_id="42"',
        "user_id>41",
        "path~/nothing,users",
        "path~~^/api/v[12]/users$",
        "path!~health",
        "method=post",
        "ctx.tenant=acme",
        "ctx.tenant~ACME,acm",
        "ctx.tags~beta",
        "ctx~~tenant.*tags",
        "a.b=1",
        "retries>4.5",
        'retries="5"',
        "retries=5",
        "cached=true",
        "-cached=1",
        "zero=0",
        "zero:*",
        "-zero=false",
        "-nothing:*",
        "nothing=null",
        "nothing!=5",
        "empty=null",
        '-empty~"a"',
        "missing!=5",
        "-missing>=5",
        "-missing<5",
        "missing=null,5",
        "naïve",
        "ärger",
        "-ÄRGER",
        "'\"status\": 503'",
        "since:2m",
        "until:30s",
        "-since:30s",
        "time=2026-01-15T10:29:00.123Z",
        "time>2026-01-15T10:29Z",
    ],
)
def test_lines_that_match(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize(
    "text",
    [
        "level>error",
        "level!=error",
        "status<500",
        "status=4xx",
        "user_id!=42",
        "path~/API",
        "path~~^/v1",
        "retries>5",
        "retries=5.0",
        "cached=1",
        "zero:* nothing:*",
        "missing<5",
        "missing>=5",
        "ctx.tags=beta",
        "ctx=acme",
        "ctx.tenant>1",
        "since:30s",
        "until:2m",
        "request_id=ABC123",
    ],
)
def test_lines_that_do_not(text: str) -> None:
    assert not found(text)


def test_every_canonical_field_is_one_of_a_record() -> None:
    assert set(FIELDS) == set(ALIASES)


@pytest.mark.parametrize(
    "fields",
    [
        {"time": NOW * 1000 - 60_000, "level": 50, "msg": "x", "responseTime": 300,
         "statusCode": 503},
        {"@timestamp": "2026-01-15T10:29:00Z", "log.level": "error", "message": "x",
         "http": {"response": {"status_code": 503}}, "event": {"duration": 300_000_000}},
    ],
)  # fmt: skip
def test_other_peoples_lines_need_no_other_filter(fields: object) -> None:
    assert found("level>=error status>=500 duration>250ms message=x since:10m", fields)
    assert not found("level>error or status<500 or duration<299ms or until:10m", fields)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: (
        st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner, max_size=2)
    ),
    max_leaves=4,
)
FILTERS = [
    "x=5",
    "x>=5",
    "x~a",
    "x~~[a5]",
    "x:*",
    "level>=info",
    "status>=1",
    "duration>1ms",
    "a",
    "x.y=1",
]


@given(st.dictionaries(st.sampled_from(["x", "level", "status", "duration_ms"]), JSON), st.data())
def test_a_filter_or_its_opposite_matches_any_line(
    fields: dict[str, object], data: st.DataObject
) -> None:
    text = data.draw(st.sampled_from(FILTERS))
    assert found(text, fields) is not found(f"-({text})", fields)


@given(st.binary(max_size=80), st.sampled_from(FILTERS))
def test_any_bytes_are_a_line(raw: bytes, text: str) -> None:
    matches(parse(text, NOW).expression, decode_line(raw))
