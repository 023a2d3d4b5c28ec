"""A regular expression means what Python's means, and no text makes it slow."""

import re
import time
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from console.logs.filters.patterns import SEARCHED, Pattern, PatternError

ATOMS = st.sampled_from(
    [
        *"abcé-",
        ".",
        r"\d",
        r"\w",
        r"\s",
        r"\S",
        r"\.",
        r"\n",
        "[ab]",
        "[^b]",
        "[a-c-]",
        r"[\d_]",
        "^",
        r"\Z",
        r"\b",
        r"\B",
        "[]a]",
        "[^]]",
        r"[\]a]",
    ]
)


def _extend(inner: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    group = inner.map("(?:{})".format) | inner.map("({})".format)
    repeat = st.sampled_from(["*", "+", "?", "{2}", "{1,}", "{,2}", "{0}", "{1,3}", "*?", "+?"])
    return (
        st.lists(inner, min_size=2, max_size=3).map("".join)
        | st.lists(inner, min_size=2, max_size=3).map("|".join)
        | st.builds("{}{}".format, group, repeat)
    )


PATTERNS = st.recursive(ATOMS, _extend, max_leaves=6)


@settings(max_examples=300)
# Python before 3.14 does not find \B in an empty text.
@given(PATTERNS, st.text(alphabet="abc é-1_.\n]", min_size=1, max_size=10))
def test_it_finds_what_python_finds(pattern: str, text: str) -> None:
    # Ours has `$` for what is `\Z` there.
    expected = re.search(pattern, text, re.DOTALL) is not None
    assert Pattern(pattern.replace(r"\Z", "$")).search(text) is expected


@pytest.mark.parametrize(
    ("pattern", "text", "found"),
    [
        ("timeout", "Connection TIMEOUT", True),
        ("Timeout", "connection timeout", False),
        (r"\W\S", "Ab", False),
        (r"\Dx", "AX", True),
        ("[A-F]", "a", False),
        ("grüße", "GRÜSSE", False),
        ("grüße", "GRÜßE", True),
        ("a$", "a\n", False),
        ("a.b", "a\nb", True),
        ("{", "a{b", True),
        ("a{x}", "a{x}", True),
        ("", "", True),
    ],
)
def test_case_line_ends_and_braces(pattern: str, text: str, found: bool) -> None:
    assert Pattern(pattern).search(text) is found


@pytest.mark.parametrize(
    ("pattern", "column"),
    [
        ("a(", 1),
        ("a)", 1),
        ("[a", 0),
        ("[b-a]", 1),
        (r"[x-za-\d]", 4),
        ("*a", 0),
        ("a**", 2),
        ("a{2}{3}", 4),
        ("a{3,2}", 1),
        ("a{5000}", 1),
        ("(?=a)", 0),
        (r"(a)\1", 3),
        ("\\", 0),
        (r"\y", 0),
        ("(" * 60, 50),
        ("(a{100}){100}", 0),
        ("(((){1000}){1000}){1000}", 0),
        ("|".join("abcdefgh" * 40), 0),
    ],
)
def test_what_is_not_known_is_refused(pattern: str, column: int) -> None:
    with pytest.raises(PatternError) as caught:
        Pattern(pattern)
    assert caught.value.column == column


@given(st.text(alphabet="ab()[]{}|*+?^$\\.-,12dwW ", max_size=20))
def test_any_text_is_a_pattern_or_refused(text: str) -> None:
    column = 0
    try:
        Pattern(text).search("ab12 a-b")
    except PatternError as error:
        column = error.column
    assert 0 <= column <= len(text)


@given(PATTERNS, st.text(alphabet="abc é-1_.\n]", max_size=10))
def test_the_needle_is_in_every_match(pattern: str, text: str) -> None:
    if re.search(pattern, text, re.DOTALL):
        assert Pattern(pattern.replace(r"\Z", "$")).needle in text


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("(a+)+$", "a" * SEARCHED + "!"),
        ("(a|a)*b", "a" * SEARCHED),
        (".*.*.*=.*;", "x=" * SEARCHED),
        ("(.*)(.*)(.*)(.*)(.*)[^x]$", "x" * SEARCHED),
        (r"(\w+\s?)+$", "ab " * SEARCHED + "!"),
        ("(a?){60}a{60}", "a" * 59),
        # As many states as it may have, and a text that comes to a new one with each character.
        ("[ab]*a[ab]{100}c", "".join(Random(1).choices("ab", k=SEARCHED)) + "c"),
        ("[^x]*a[^x]{100}c", "".join(map(chr, range(0x4E00, 0x4E00 + SEARCHED)))),
    ],
)
def test_no_text_makes_it_slow(pattern: str, text: str) -> None:
    compiled = Pattern(pattern)
    started = time.process_time()
    compiled.search(text)
    # Python's own takes from seconds to longer than the universe has been there.
    assert time.process_time() - started < 3


def test_only_the_beginning_of_a_very_long_text_is_searched() -> None:
    assert Pattern("[b]").search("a" * (SEARCHED - 1) + "b")
    assert not Pattern("[b]").search("a" * SEARCHED + "b")


def test_the_memory_for_states_is_bounded() -> None:
    pattern = Pattern("a[b-z]")
    for first in range(0, 0x20000, SEARCHED):
        block = range(first, first + SEARCHED)
        pattern.search("".join(chr(c) for c in block if not 0xD800 <= c < 0xE000) + "a")
    assert pattern._transitions <= 20_000
    assert sum(len(state.following) for state in pattern._states.values()) <= 20_000
