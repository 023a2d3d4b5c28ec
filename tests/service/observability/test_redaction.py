"""Secrets are hidden by name and by look, in any nesting, and nothing else is lost."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from service.observability.logging import ConsoleRenderer, Renderer, record
from service.observability.redaction import REDACTED, redact, redact_text

anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.binary(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
key = st.sampled_from(["password", "new_password", "Authorization", "api_key", "Set-Cookie"])


@given(key, st.text(min_size=1), st.integers(0, 3))
def test_named_secret_is_hidden_however_deep(name: str, secret: str, depth: int) -> None:
    value: Any = {name: secret}
    for _ in range(depth):
        value = {"inner": [value]}
    hidden = redact(value)
    for _ in range(depth):
        hidden = hidden["inner"][0]
    assert hidden == {name: REDACTED}


def test_nesting_without_end_is_cut() -> None:
    endless: list[Any] = []
    endless.append(endless)
    assert "nested too deep" in str(redact(endless))


@pytest.mark.parametrize(
    ("text", "secret"),
    [
        ("postgresql://app:s3cr3t@db:5432/app", "s3cr3t"),
        ("postgresql://app:p%40ss:w/rd@db/app", "p%40ss:w/rd"),
        ("Authorization: Bearer abc.def-ghi", "abc.def-ghi"),
        ("Basic dXNlcjpwYXNz", "dXNlcjpwYXNz"),
        ("token eyJhbGciOi.eyJzdWIiOi.c2ln is bad", "eyJhbGciOi"),
        ("scrypt:32768:8:3$salt$00ff", "00ff"),
        ("connect failed: password=hunter2 host=x", "hunter2"),
        ("{'password': 'hunter2'}", "hunter2"),
        ("api-key=0123abcd", "0123abcd"),
        ('invalid input syntax for type integer: "him@example.com"', "him@example.com"),
        ("invalid input for query argument $1: 'hunter2' (expected int)", "hunter2"),
    ],
)
def test_secret_is_known_by_its_look(text: str, secret: str) -> None:
    assert secret not in redact_text(text)
    assert REDACTED in redact_text(text)


def test_the_rest_of_the_text_stays() -> None:
    assert redact_text("cannot reach postgresql://app:x@db/app now").endswith("@db/app now")
    assert redact({"path": "/api/v1/users", "status": 200}) == {
        "path": "/api/v1/users",
        "status": 200,
    }


@given(st.dictionaries(st.text(), anything))
def test_any_record_is_one_printable_line_of_json(more: dict[str, Any]) -> None:
    line = Renderer()({**record("INFO", "x"), **redact(more)})
    assert line.endswith(b"\n")
    assert line.count(b"\n") == 1
    assert all(ord(letter) >= 32 and not 127 <= ord(letter) < 160 for letter in line.decode()[:-1])
    assert next(iter(json.loads(line))) == "timestamp"


@given(st.dictionaries(st.text(), anything), st.text())
def test_console_line_drives_no_terminal(more: dict[str, Any], event: str) -> None:
    values = {**record("INFO", event), "more": redact(more)}
    line = ConsoleRenderer(colour=False)(values).decode()
    assert line.count("\n") == 1
    assert all(ord(letter) >= 32 and not 127 <= ord(letter) < 160 for letter in line[:-1])
