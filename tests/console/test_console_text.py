"""Nothing that could move, colour or rename the terminal gets past `visible`."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from console.text import redact, visible

INVISIBLE = {"Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp"}


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain text", "plain text"),
        ("\x1b]0;title\x07", r"\x1b]0;title\x07"),
        ("\x9b31m", r"\x9b31m"),
        ("a\x00b\x7f", r"a\x00b\x7f"),
        ("one\ntwo\r\tthree", r"one\ntwo\r\tthree"),
        ("\u202egpj.exe", r"\u202egpj.exe"),
        ("zero\u200bwidth\ufeff", r"zero\u200bwidth\ufeff"),
        ("line\u2028paragraph\u2029", r"line\u2028paragraph\u2029"),
        ("a\u00a0b\u3000c", "a b c"),
        ("\U000e0041", r"\U000e0041"),
        ("\ud800", r"\ud800"),
        ("hangul\u3164filler", r"hangul\u3164filler"),
        ("\U0001f44d\U0001f3fd", "\U0001f44d" + r"\U0001f3fd"),
        ("Grüße 日本 e\u0301 🙂", "Grüße 日本 e\u0301 🙂"),
        ("[bold red]not markup[/]", "[bold red]not markup[/]"),
    ],
)
def test_what_cannot_be_seen_is_shown_as_an_escape(text: str, shown: str) -> None:
    assert visible(text) == shown


@pytest.mark.parametrize("mark", ["\u0301", "\u20dd", "\u0903", "\u1161", "\u11a8", "\ud7b0"])
def test_a_flood_of_marks_on_one_letter_is_escaped(mark: str) -> None:
    shown = visible("a" + mark * 50 + "b")
    assert shown.count(mark) == 3
    assert shown.endswith("b")


@pytest.mark.parametrize("text", ["\u0928\u092e\u0938\u094d\u0924\u0947", "\u1112\u1161\u11ab"])
def test_scripts_that_need_marks_are_shown_as_they_are(text: str) -> None:
    assert visible(text) == text


@given(st.text(), st.integers(min_value=1, max_value=200))
def test_every_character_on_the_screen_is_harmless(text: str, limit: int) -> None:
    shown = visible(text, limit)
    assert len(shown) <= limit
    assert not {unicodedata.category(character) for character in shown} & INVISIBLE
    assert len(shown.splitlines()) <= 1


@given(st.binary(max_size=300))
def test_any_bytes_can_be_shown(raw: bytes) -> None:
    assert visible(raw.decode("utf-8", "backslashreplace")).isprintable()


@given(st.text(alphabet="abc :/@?&=%1", max_size=60))
def test_a_second_pass_changes_nothing(text: str) -> None:
    assert redact(redact(text)) == redact(text)


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("postgresql://app:hunter2@db:5432/shop", "postgresql://app:***@db:5432/shop"),
        ("at http://u:p@ss@host/health now", "at http://u:***@host/health now"),
        ("redis://:secret@cache", "redis://:***@cache"),
        ("postgres://u:a/b@db", "postgres://u:***@db"),
        ("db?user=a&password=secret&x=1", "db?user=a&password=***&x=1"),
        ("http://host:5500/users/a@b.example", "http://host:5500/users/a@b.example"),
        ("no url, but a:b@c", "no url, but a:b@c"),
    ],
)
def test_passwords_in_urls_are_masked(text: str, shown: str) -> None:
    assert visible(text) == shown


def test_a_password_is_masked_even_where_the_text_is_cut() -> None:
    text = "x" * 20 + "postgresql://app:hunter2@db/shop"
    assert not any("hunter" in visible(text, limit) for limit in range(1, len(text)))
