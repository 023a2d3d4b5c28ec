"""A filter that is written out reads back as the same filter."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.filters.errors import FilterError
from console.logs.filters.expression import (
    Comparison,
    Exists,
    Expression,
    Text,
    Value,
    all_of,
    any_of,
    negation,
)
from console.logs.filters.fields import FIELDS, canonical
from console.logs.filters.formatter import to_text
from console.logs.filters.parser import parse
from console.logs.filters.words import fold, has_capital, number
from console.logs.records import LEVELS

NOW = 1_768_473_000.0


@pytest.mark.parametrize(
    ("text", "canonical_text"),
    [
        ("", ""),
        ("a  AND  not b", "a -b"),
        ("(a or b) c", "(a or b) c"),
        ("(a b) or c", "a b or c"),
        ("not (a b)", "-(a b)"),
        ("duration > 1.5s", "duration_ms>1500"),
        ("duration>1.5us", "duration_ms>0.0015"),
        ("level=WARN,err", "level=warning,error"),
        ("x=1.50,true,'true',\"1\"", 'x=1.50,true,"1"'),
        ("x!=null", "x:*"),
        (r"path=~'\d'", r"path~~'\d'"),
        ("`or`=1", '"or"=1'),
        ("`stauts`=1", '"stauts"=1'),
        ("'a\u200b\"'", r'"a\u200b\""'),
        ("time=2026-01-15T10:30Z..2026-01-15T10:31Z",
         "time<=2026-01-15T10:31:00Z since:2026-01-15T10:30:00Z"),
    ],
)  # fmt: skip
def test_the_canonical_form(text: str, canonical_text: str) -> None:
    assert str(parse(text, NOW)) == canonical_text


def _literal(text: str) -> tuple[int | float | bool | str, ...]:
    found = number(text)
    if text in {"true", "false"}:
        return (text == "true", text)
    return (text,) if found is None else (found, text)


WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=12)
NAMES = (
    st.sampled_from(["x", "ctx.tenant", "or", "stauts", "a b", "status_code", "@x"]) | WORDS
).filter(lambda name: canonical(name) not in FIELDS)
NUMBERS = st.integers(-(10**17), 10**17) | st.decimals(-1000, 1000, allow_nan=False, places=3).map(
    float
)
# What can be typed without quotes gets its second type, what is in quotes does not.
BARE = st.from_regex(r"\A[a-z0-9./-]{1,8}\Z").filter(
    lambda text: text != "null" and ".." not in text
)
VALUES = st.lists(BARE.map(_literal) | WORDS.map(lambda text: (text,)), min_size=1, max_size=3).map(
    lambda lists: tuple({(type(v), v): v for values in lists for v in values}.values())
)
PARTS = st.lists(
    WORDS.map(lambda word: word if has_capital(word) else fold(word)),
    min_size=1,
    max_size=3,
    unique=True,
)
ORDER = st.sampled_from(["<", "<=", ">", ">="])
PATTERNS = st.sampled_from(["^a'b$", 'x"', r"\d+ \\"])
DURATIONS = st.floats(0, 1e6).map(lambda value: round(value, 9))
INSTANTS = st.integers(0, 2**33).map(float)


def comparisons(
    names: st.SearchStrategy[str],
    operators: st.SearchStrategy[str],
    values: st.SearchStrategy[tuple[Value, ...]],
) -> st.SearchStrategy[Comparison]:
    return st.builds(Comparison, names, operators, values)


TERMS: st.SearchStrategy[Expression] = st.one_of(
    WORDS.map(lambda word: Text(word if has_capital(word) else fold(word), has_capital(word))),
    st.builds(Exists, NAMES | st.sampled_from(list(FIELDS))),
    comparisons(NAMES, st.just("="), VALUES),
    comparisons(NAMES | st.just("path"), st.just("~"), PARTS.map(tuple)),
    comparisons(NAMES, st.just("matches"), st.tuples(PATTERNS)),
    comparisons(NAMES | st.just("status"), ORDER, st.tuples(NUMBERS)),
    comparisons(st.just("duration_ms"), ORDER, st.tuples(DURATIONS)),
    comparisons(st.just("level"), ORDER | st.just("="), st.tuples(st.sampled_from(LEVELS))),
    comparisons(st.just("time"), st.sampled_from(["<=", ">", "="]), st.tuples(INSTANTS)),
)
EXPRESSIONS = st.recursive(
    TERMS,
    lambda inner: (
        st.lists(inner, min_size=2, max_size=3).map(all_of)
        | st.lists(inner, min_size=2, max_size=3).map(any_of)
        | inner.map(negation)
    ),
    max_leaves=8,
)


@given(EXPRESSIONS)
def test_an_expression_survives_being_written_and_read(expression: Expression) -> None:
    text = to_text(expression)
    assert parse(text, NOW).expression == expression


@given(st.text(alphabet="ab01\"'`\\()-!~=<>:,.* \t", max_size=30))
def test_whatever_is_understood_survives(text: str) -> None:
    try:
        found = parse(text, NOW)
    except FilterError:
        return
    again = parse(str(found), NOW + 1e6)
    assert (again.expression, again.since, again.until) == (
        found.expression,
        found.since,
        found.until,
    )
    assert str(again) == str(found)
