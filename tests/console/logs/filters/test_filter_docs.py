"""docs/filters.md is true: every example is understood, and it names all there is."""

import re
from pathlib import Path

import pytest

from console.logs.filters.errors import FilterError, pointed
from console.logs.filters.expression import Comparison
from console.logs.filters.fields import FIELDS
from console.logs.filters.parser import parse
from console.logs.filters.patterns import SEARCHED
from console.logs.filters.scanner import OPERATORS

PAGE = (Path(__file__).parents[4] / "docs/filters.md").read_text(encoding="utf-8")
NOW = 1_768_473_000.0


def section(title: str) -> str:
    return PAGE.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def codes(text: str) -> list[str]:
    return [
        (double or single).strip() for double, single in re.findall(r"`` (.+?) ``|`([^`]+)`", text)
    ]


def first_cells(text: str) -> list[str]:
    return [line.split(" | ")[0] for line in text.splitlines() if line.startswith("| `")]


EXAMPLES = [
    *re.findall(r"```filter\n(.+?)\n```", PAGE),
    *codes(" ".join(first_cells(section("By example")))),
    *codes(" ".join(first_cells(section("Values")))),
    *(
        code
        for code in codes(re.sub(r"(?s)```.*?```", "", PAGE))
        if re.match(r"[\w.]+(?:[!=<>~]+|:)[^ :]+", code)
    ),
]


@pytest.mark.parametrize("example", [e for e in EXAMPLES if not e.startswith("opsconsole")])
def test_every_example_is_understood(example: str) -> None:
    found = parse(example, NOW)
    assert parse(str(found), NOW).expression == found.expression


def test_enough_examples_are_found_on_the_page() -> None:
    assert len(EXAMPLES) > 45


def test_the_operators_and_fields_are_those_of_the_code() -> None:
    cells = [line.split("|")[1] for line in section("Operators").splitlines() if "| `" in line]
    assert set(codes(" ".join(cells))) == {*OPERATORS, ":*"}
    assert set(codes(" ".join(first_cells(section("Fields"))))) == {*FIELDS, "duration"}


@pytest.mark.parametrize("text", codes(" ".join(first_cells(section("Times")))))
def test_every_time_is_understood(text: str) -> None:
    assert parse(f"since:{text}", NOW).since is not None


def test_units_and_limits() -> None:
    for text in codes(section("Fields").partition("with a unit:")[2].partition("|")[0]):
        assert isinstance(parse(f"duration>{text}", NOW).expression, Comparison)
    assert f"{SEARCHED:,} characters" in PAGE


def test_the_error_is_what_is_shown() -> None:
    shown = section("When something is wrong").split("\n\n")[1].partition("\n```")[0]
    with pytest.raises(FilterError) as caught:
        parse("stauts>=500", NOW)
    assert pointed("stauts>=500", caught.value) == shown
