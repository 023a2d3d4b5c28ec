"""Whatever one types is either understood at once or answered with what to do, and where."""

import time

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from console.logs.filters.errors import FilterError, pointed
from console.logs.filters.grammar import DEPTH
from console.logs.filters.parser import LENGTH, parse
from console.text import visible

NOW = 1_768_473_000.0


@pytest.mark.parametrize(
    ("text", "marks", "said"),
    [
        ("status>=", "        ^", "a value is missing"),
        ("status>=abc", "        ^^^", "no number"),
        ("status => 500", "       ^^", "did you mean >="),
        ("status<>500", "      ^^", "did you mean !="),
        ("status=500,", "           ^", "a value is missing"),
        ("status=(500 or 502)", "       ^", "several as 500,502"),
        ("status>=500,502", "            ^^^", "several values"),
        ("status=500..", "       ^^^^^", "two ends"),
        ("status~5", "      ^", "a number"),
        ("status:500", "^^^^^^^^^^", "status=500"),
        ("status:>=500", "^^^^^^^", "leave out the :"),
        ("stauts>=500", "^^^^^^", "did you mean status"),
        ("a -lvel=info", "   ^^^^", "did you mean level"),
        ("level>=wraning", "       ^^^^^^^", "did you mean warning"),
        ("level=loud", "      ^^^^", "debug, info"),
        ("elapsed>250ms", "        ^^^^^", "only duration_ms"),
        ("duration>soon", "         ^^^^", "250ms"),
        ("path=/api/*", "     ^^^^^^", "no wildcard"),
        ("name>m", "     ^", "no number"),
        ("since:soon", "      ^^^^", "10m (ago)"),
        ("since: 10m", "      ^", "a time is missing"),
        ("since=10m", "^^^^^", "since:10m"),
        ("a (b", "  ^", "never closed"),
        ("a b)", "   ^", "closes nothing"),
        ("()", " ^", "something is missing"),
        ("or a", "^^", "before or"),
        ("a or", "    ^", "something is missing"),
        ("a -", "   ^", "something is missing"),
        ("a or or b", "     ^^", "before or"),
        (">5", "^", "a field is missing"),
        ("http://x?a=b", "^^^^^^^^^^", "a text in quotes"),
        ('x="abc', "  ^^^^", 'closing "'),
        ("`abc`", "^^^^^", "this is a field"),
        ('""', "^^", "nothing between"),
        ('path~""', "     ^^", "nothing to look for"),
        ("main(x)", "    ^", "a space is missing"),
        ("path~~a**", "        ^", "parentheses"),
        ("path~~'a('", "        ^", "never closed"),
        (r'"\ud800"', "^^^^^^^^", "half a character"),
    ],
)
def test_an_error_says_what_to_do_and_points(text: str, marks: str, said: str) -> None:
    with pytest.raises(FilterError) as caught:
        parse(text, NOW)
    shown, carets, message = pointed(text, caught.value).split("\n")
    assert shown == visible(text)
    assert carets == marks
    assert said in message


@given(st.text() | st.text(alphabet="ab\"'`\\()-!~=<>:,.* 05\n", max_size=60))
@example("or" * 2000)
@example("\ud800")
def test_any_text_is_understood_or_answered(text: str) -> None:
    check(text)


PARTS = [
    *("level", "status", "time", "duration_ms", "x.y", "`a b`", '"q"', "word", "500", "1.5s"),
    *("=", "!=", "<", ">=", "~", "!~", "~~", "!~~", ":*", "..", ",", "since:", "until:", "10m"),
    *(
        "(",
        ")",
        "-",
        "!",
        "not",
        "or",
        "and",
        " ",
        " ",
        " ",
        "null",
        "*",
        "5xx",
        "error",
        "'(a|b)+'",
    ),
    *("2026-01-15", "14:30", "99999999999", "[a-", "{3}", "\\d"),
]


@given(st.lists(st.sampled_from(PARTS), max_size=14).map("".join))
def test_any_mixture_of_the_language_is_understood_or_answered(text: str) -> None:
    check(text)


def check(text: str) -> None:
    error = refusal(text)
    if error:
        assert 0 <= error.column <= len(text)
        assert 1 <= error.length <= len(text) + 1 - error.column
        assert "\n" not in error.message
        assert len(pointed(text, error).split("\n")) == 3


def refusal(text: str) -> FilterError | None:
    try:
        parse(text, NOW)
    except FilterError as error:
        return error
    return None


@pytest.mark.parametrize(
    "text",
    [
        "(" * LENGTH,
        "-" * LENGTH,
        "not " * (LENGTH // 4),
        '"' * LENGTH,
        "\\" * LENGTH,
        "a " * (LENGTH // 2),
        "=" * LENGTH,
        "x=" + "1," * (LENGTH // 2 - 1),
        "x=" + "1" * (LENGTH - 2),
        "x~~" + "(" * (LENGTH - 3),
        "x~~" + "a?" * (LENGTH // 2 - 2),
        "x~~((((a{999}){999}){999}){999}){999}",
        "x~~(((){999}){999}){999}",
        "since:" + "1h" * (LENGTH // 2 - 3),
        "a" * LENGTH + "=1",
        "a" * (LENGTH - 2) + "=1",
        "x" * 10_000_000,
    ],
)
def test_no_text_takes_long(text: str) -> None:
    started = time.process_time()
    check(text)
    assert time.process_time() - started < 0.5


def test_parentheses_may_be_deep_but_not_endless() -> None:
    deep = parse("(" * DEPTH + "a" + ")" * DEPTH, NOW)
    assert deep.expression == parse("a", NOW).expression
    with pytest.raises(FilterError, match="within each other") as caught:
        parse("(" * (DEPTH + 1) + "a" + ")" * (DEPTH + 1), NOW)
    assert caught.value.column == DEPTH


def test_the_caret_stands_below_wide_and_hidden_characters() -> None:
    text = '日本 \u202e"e\u0301" level=loud'
    with pytest.raises(FilterError) as caught:
        parse(text, NOW)
    shown, carets, _ = pointed(text, caught.value).split("\n")
    assert shown == '日本 \\u202e"e\u0301" level=loud'
    # Two columns for each of the two wide characters, none for the accent.
    assert carets == " " * (5 + 6 + 4 + 6) + "^^^^"


@settings(max_examples=50)
@given(st.text(max_size=300), st.data())
def test_what_is_pointed_at_is_safe_to_print(text: str, data: st.DataObject) -> None:
    column = data.draw(st.integers(0, len(text)))
    error = FilterError(text, column, data.draw(st.integers(1, len(text) + 1 - column)))
    lines = pointed(text, error, width=60).split("\n")
    assert len(lines) == 3
    assert all(line.isprintable() for line in lines)
