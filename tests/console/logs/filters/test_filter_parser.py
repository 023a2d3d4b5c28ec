"""What one types means what docs/filters.md says, and never anything that was not meant."""

import pytest

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

NOW = 1_768_473_000.0  # 2026-01-15T10:30:00Z

HEALTH = Text("health", exact_case=False)
A, B, C, D = (Text(word, exact_case=False) for word in "abcd")


def meaning(text: str) -> Expression:
    return parse(text, NOW).expression


def test_the_filter_of_the_manual() -> None:
    found = parse(
        'level>=warning status>=500 path~/api/v1 user_id=42 duration_ms>250 "connection reset" '
        "-health (a or b) since:10m",
        NOW,
    )
    assert found.expression == And(
        (
            Comparison("level", ">=", ("warning",)),
            Comparison("status", ">=", (500,)),
            Comparison("path", "~", ("/api/v1",)),
            Comparison("user_id", "=", (42, "42")),
            Comparison("duration_ms", ">", (250,)),
            Text("connection reset", exact_case=False),
            Not(HEALTH),
            Or((A, B)),
        )
    )
    assert (found.since, found.until) == (NOW - 600, None)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", Everything()),
        (" \t\n", Everything()),
        ("a b or c d", Or((And((A, B)), And((C, D))))),
        ("a (b or c) d", And((A, Or((B, C)), D))),
        ("a and b AND c", And((A, B, C))),
        ("a OR (b or c)", Or((A, B, C))),
        ("a (b (c d))", And((A, B, C, D))),
        ("((a))", A),
        ("-a", Not(A)),
        ("!a", Not(A)),
        ("not a", Not(A)),
        ("--a", A),
        ("not -(a b)", And((A, B))),
        ("-(a or b) c", And((Not(Or((A, B))), C))),
    ],
)
def test_how_terms_are_joined(text: str, expected: Expression) -> None:
    assert meaning(text) == expected


@pytest.mark.parametrize(
    ("text", "words", "exact_case"),
    [
        ("timeout", "timeout", False),
        ("TimeoutError", "TimeoutError", True),
        ('"or"', "or", False),
        ('"status>=500"', "status>=500", False),
        (r'"say \"no\"\n\u00ef \d"', 'say "no"\nï \\d', False),
        (r"'C:\new \"x'", r"C:\new \"x", True),
        ("10.0.0.1:5432", "10.0.0.1:5432", False),
        ("ValueError:", "ValueError:", True),
        ("can't", "can't", False),
        ("hot-path", "hot-path", False),
        ("panic!", "panic!", False),
        ("/api/v1", "/api/v1", False),
        ("Ärger", "Ärger", True),
        ("since", "since", False),
    ],
)
def test_words_are_looked_for_in_the_line(text: str, words: str, exact_case: bool) -> None:
    assert meaning(text) == Text(words, exact_case=exact_case)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("status=500,502, 503", Comparison("status", "=", (500, 502, 503))),
        ("status = 500", Comparison("status", "=", (500,))),
        ("status==500", Comparison("status", "=", (500,))),
        ('status="500"', Comparison("status", "=", (500,))),
        ("status!=500", Not(Comparison("status", "=", (500,)))),
        ("-status>=500", Not(Comparison("status", ">=", (500,)))),
        (
            "status=500..599",
            And((Comparison("status", ">=", (500,)), Comparison("status", "<=", (599,)))),
        ),
        (
            "status=404,5xx",
            Or(
                (
                    Comparison("status", "=", (404,)),
                    And((Comparison("status", ">=", (500,)), Comparison("status", "<", (600,)))),
                )
            ),
        ),
        ("duration_ms>1.5s", Comparison("duration_ms", ">", (1500.0,))),
        ("duration<=250ms", Comparison("duration_ms", "<=", (250.0,))),
        ("duration>2m30s", Comparison("duration_ms", ">", (150_000.0,))),
        ("level=WARN", Comparison("level", "=", ("warning",))),
        ("level>=40", Comparison("level", ">=", ("warning",))),
        ("severity<fatal", Comparison("level", "<", ("critical",))),
        ("method=post", Comparison("method", "=", ("post", "POST"))),
        ("msg~Reset,closed", Comparison("message", "~", ("Reset", "closed"))),
        ("path!~/health", Not(Comparison("path", "~", ("/health",)))),
        ("path~~^/api/v(1|2)$", Comparison("path", "matches", ("^/api/v(1|2)$",))),
        (r"path=~'\d+ x'", Comparison("path", "matches", (r"\d+ x",))),
        ("path!~~a,b", Not(Comparison("path", "matches", ("a,b",)))),
        ("ctx.tenant=acme", Comparison("ctx.tenant", "=", ("acme",))),
        ("`odd name`>-1.5", Comparison("odd name", ">", (-1.5,))),
        ('"odd name"=x', Comparison("odd name", "=", ("x",))),
        ("`stauts`=1", Comparison("stauts", "=", (1, "1"))),
        ("version=1.50", Comparison("version", "=", (1.5, "1.50"))),
        ('version="1"', Comparison("version", "=", ("1",))),
        ("cached=true", Comparison("cached", "=", (True, "true"))),
        ("id=99999999999999999999", Comparison("id", "=", ("99999999999999999999",))),
        ("user_id:*", Exists("user_id")),
        ("user_id=*", Exists("user_id")),
        ("user_id=null", Not(Exists("user_id"))),
        ('user_id=""', Not(Exists("user_id"))),
        ("user_id!=null", Exists("user_id")),
        ("-user_id:*", Not(Exists("user_id"))),
        ("x=null,a", Or((Comparison("x", "=", ("a",)), Not(Exists("x"))))),
        ('x="null","*"', Comparison("x", "=", ("null", "*"))),
    ],
)
def test_comparisons(text: str, expected: Expression) -> None:
    assert meaning(text) == expected


def test_limits_that_every_line_must_meet_are_taken_out() -> None:
    found = parse("a since:2h since:1h until:5m until:1m", NOW)
    assert (found.expression, found.since, found.until) == (A, NOW - 3600, NOW - 300)
    assert found.whole == And(
        (
            A,
            Comparison("time", ">=", (NOW - 3600,)),
            Comparison("time", "<", (NOW - 300,)),
        )
    )


def test_limits_that_only_some_lines_must_meet_stay() -> None:
    found = parse("a or since:1h", NOW)
    assert found.expression == Or((A, Comparison("time", ">=", (NOW - 3600,))))
    assert (found.since, found.until) == (None, None)
    assert parse("-since:1h", NOW).since is None


def test_a_name_that_the_log_has_is_no_typing_error() -> None:
    assert parse("stauts=1", NOW, seen={"stauts"}).expression == Comparison("stauts", "=", (1, "1"))
