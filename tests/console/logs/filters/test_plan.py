"""A plan selects exactly the lines that the reference says match, whole or broken ones."""

import pickle
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from console.logs.filters.expression import (
    And,
    Comparison,
    Everything,
    Exists,
    Expression,
    Not,
    Or,
    Text,
)
from console.logs.filters.parser import parse
from console.logs.filters.plan import compile as plan_of
from console.logs.filters.reference import matches
from console.logs.filters.words import fold
from console.logs.records import LEVELS, decode_line
from console.logs.records.aliases import ALIASES
from tests.console.logs.records.strategies import LINES, VALUES

FIELDS = st.sampled_from(
    [*ALIASES, "ctx.tenant", "log", "ctx", "MESSAGE", "pid", 'odd"name', "name"]
)
SHORT = [
    "ünï",
    '"',
    "\\",
    "u00",
    "/",
    "é",
    "xff",
    "e",
    "nosuchword",
    "{",
    "0",
    "api/v1",
    "q=1",
    "\\xff",
]
WORDS = st.sampled_from(
    ["error", "ERROR", "naïve", "Ünï", "", "\n", "two \\", "connection reset", *SHORT]
) | st.text(max_size=3)
SCALARS = [value for value in VALUES if isinstance(value, str | int | float)]
NUMBERS = [value for value in SCALARS if type(value) in {int, float}]


def text(words: str, exact_case: bool) -> Text:
    return Text(words if exact_case else fold(words), exact_case)


def comparison(field: str, symbol: Any, values: list[Any]) -> Comparison:
    return Comparison(field, symbol, tuple(values))


conditions = st.one_of(
    st.builds(text, WORDS, st.booleans()),
    st.builds(Exists, FIELDS),
    st.builds(
        comparison,
        FIELDS,
        st.just("="),
        st.lists(st.sampled_from(SCALARS) | WORDS, min_size=1, max_size=3),
    ),
    st.builds(comparison, FIELDS, st.just("~"), st.lists(WORDS, min_size=1, max_size=2)),
    st.builds(
        comparison,
        FIELDS.filter(lambda field: field != "level"),
        st.sampled_from(["<", "<=", ">", ">="]),
        st.sampled_from(NUMBERS).map(lambda number: [number]),
    ),
    st.builds(
        comparison,
        st.just("level"),
        st.sampled_from(["<", "<=", ">", ">="]),
        st.sampled_from(LEVELS).map(lambda level: [level]),
    ),
    st.builds(
        comparison,
        FIELDS,
        st.just("matches"),
        st.sampled_from([["^/api"], ["[0-9]+$"], ["(?:a|e).o"]]),
    ),
)
EXPRESSIONS: st.SearchStrategy[Expression] = st.just(Everything()) | st.recursive(
    conditions,
    lambda inner: (
        st.builds(Not, inner)
        | st.builds(lambda parts: And(tuple(parts)), st.lists(inner, min_size=2, max_size=3))
        | st.builds(lambda parts: Or(tuple(parts)), st.lists(inner, min_size=2, max_size=3))
    ),
    max_leaves=4,
)


# Where these are many, most fields are read in another way.
USUAL = (
    b'{"timestamp":"2026-01-15T10:30:00.123Z","level":"ERROR","event":"request",'
    b'"request_id":"abc123","method":"GET","path":"/api/v1/users","status":503,"duration_ms":45.2,'
    b'"user_id":null,"route":"/users/<id>","client":"a.b/","logger":"two words"}'
)


@given(
    EXPRESSIONS,
    st.lists(
        st.builds(
            lambda lines, usual: [USUAL] * usual + lines,
            st.lists(LINES, min_size=1, max_size=10),
            st.sampled_from([0, 30]),
        ),
        max_size=3,
    ),
)
@example(Text("e", exact_case=False), [[b"e"] * 50 + [b"x", rb"\u0065", rb"\\u0045", rb"\x"]])
@example(Comparison("path", "=", ("a\\xffb",)), [[b'{"path":"a\xffb"}']])
@example(Comparison("path", "~", ("xffb",)), [[b'{"path":"a\xffb"}']])
@example(
    Comparison("client", "=", ("a.b/",)), [[rb'{"client":"a.b\/"}', rb'{"client":"\u0061.b/"}']]
)
def test_a_plan_selects_what_matches(expression: Expression, blocks: list[list[bytes]]) -> None:
    plan = plan_of(expression)
    for lines in blocks:
        expected = [n for n, line in enumerate(lines) if matches(expression, decode_line(line))]
        block = b"\n".join(lines)
        assert plan.select(block + b"\n") == expected
        assert plan.count(block + b"\n") == len(expected)
        if lines[-1]:
            assert plan.select(block) == expected


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("", [0, 1, 2, 3]),
        ("level>=error", [1, 3]),
        ("status>=500 duration_ms>250", [1]),
        ("-status>=500", [0, 2, 3]),
        ('"connection reset"', [3]),
        ("request_id=abc123", [0]),
        ("path~/users (level=info or status=503)", [0, 1]),
        ("ctx.tenant=acme", [2]),
    ],
)
def test_what_one_types(typed: str, expected: list[int]) -> None:
    block = (
        b'{"level":"INFO","request_id":"abc123","path":"/users","status":200,"duration_ms":3}\n'
        b'{"level":"ERROR","path":"/users/7","status":503,"duration_ms":2500.5}\n'
        b'{"level":30,"msg":"hello","ctx":{"tenant":"acme"}}\n'
        b"2026-01-15 10:30:00,123 ERROR app: Connection reset, status=503"
    )
    plan = plan_of(parse(typed).expression)
    assert plan.select(block) == expected
    assert plan.select(b"") == []


def test_a_plan_travels_to_another_process() -> None:
    plan = plan_of(parse('level>=error or "reset"').expression)
    again = pickle.loads(pickle.dumps(plan))
    assert again.select(b'{"level":"error"}\nreset\n\n') == [0, 1]
