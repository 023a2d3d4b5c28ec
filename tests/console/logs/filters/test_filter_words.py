"""Words are found as they are read, whatever JSON or a client's keyboard made of them."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.logs.filters.words import fold, has_capital, holds, number, text_of


@pytest.mark.parametrize(
    ("line", "words", "found"),
    [
        (b'{"message":"connection reset"}', "connection reset", True),
        (b'{"message":"Connection Reset"}', "connection reset", True),
        (rb'{"message":"na\u00efve"}', "naïve", True),
        ('{"message":"naïve"}'.encode(), "naïve", True),
        (rb'{"message":"\ud83d\ude42"}', "🙂", True),
        (rb'{"message":"say \"no\""}', 'say "no"', True),
        (rb'{"message":"say \"no\""}', r"say \"no\"", True),
        (rb'{"message":"a\nb"}', "a\nb", True),
        (rb'{"log":"{\"message\":\"na\\u00efve\"}\n"}', "naïve", True),
        (b'{"status":500}', '"status":500', True),
        (rb"at C:\new\table", r"c:\new\table", True),
        (b"caf\xe9 \xff", "caf", True),
        (b"caf\xe9", "café", False),
        (b"caf\xe9", "\\xe9", False),
        ("ÄRGER".encode(), "ärger", True),
        (rb"\u00c4RGER", "ärger", True),
        ("\u212a".encode(), "k", False),
        (b"", "a", False),
    ],
)
def test_what_a_line_holds(line: bytes, words: str, found: bool) -> None:
    assert holds(line, words, exact_case=False) is found


def test_case_counts_when_it_is_asked_for() -> None:
    assert holds(b"Reset", "Reset", exact_case=True)
    assert not holds(b"reset", "Reset", exact_case=True)


@given(st.binary(max_size=60), st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_a_line_whose_bytes_hold_the_words_holds_them(line: bytes, words: str) -> None:
    """The byte prefilter of the fast plan rests on this."""
    assert holds(line + words.encode() + line, words, exact_case=True)
    assert holds(line + words.encode() + line, fold(words), exact_case=False)


@given(st.binary(max_size=60), st.text(st.characters(max_codepoint=127), min_size=1, max_size=2))
def test_without_a_backslash_bytes_decide(line: bytes, words: str) -> None:
    line = line.replace(b"\\", b"")
    assert holds(line, words, exact_case=True) is (words.encode() in line)
    folded = fold(words)
    assert holds(line, folded, exact_case=False) is (folded.encode() in line.lower())


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1))
def test_whatever_json_writes_is_found(words: str) -> None:
    line = json.dumps({"log": json.dumps({"message": words})}).encode()
    assert holds(line, words, exact_case=True)


@given(st.text())
def test_folding_keeps_the_length_and_is_done_once(text: str) -> None:
    folded = fold(text)
    assert len(folded) == len(text)
    assert fold(folded) == folded
    assert not has_capital(folded)
    pairs = zip(text, folded, strict=True)
    assert all(old.isascii() for old, new in pairs if new.isascii())


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (5, 5),
        (1.5, 1.5),
        ("250", 250),
        ("-1.5", -1.5),
        (True, None),
        (None, None),
        ("", None),
        ("1e3", None),
        ("nan", None),
        ("0x10", None),
        ("1_000", None),
        (" 1", None),
        ("٣", None),
        ("9" * 19, None),
        ([1], None),
    ],
)
def test_what_counts_as_a_number(value: object, expected: float | None) -> None:
    assert number(value) == expected
    assert type(number(value)) is type(expected)


def test_the_text_of_what_is_no_text_is_json() -> None:
    assert text_of({"a": [1, None, "ï"]}) == '{"a":[1,null,"ï"]}'
    assert text_of("\udc80") == "\udc80"
    assert text_of(["\udc80"]) == ""
    nested: list[object] = []
    for _ in range(10_000):
        nested = [nested]
    assert text_of(nested) == ""
