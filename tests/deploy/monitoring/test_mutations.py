"""The rules' unit tests notice every threshold, duration, window and selector that changes."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.monitoring.promtool import (
    ALERTS,
    RECORDING,
    RECORDS,
    TESTS,
    Rule,
    promtool,
    rules,
    unit_tests,
    write_rules,
)

THRESHOLD = re.compile(r"(?P<op>[<>=!]=|[<>]) (?P<paren>\(?)(?P<number>[0-9.]+)")
WINDOW = re.compile(r"\[(?P<size>\d+)(?P<unit>[mhd])\]")
SECONDS = {"m": 60, "h": 3600, "d": 86400}
OTHER = {">": ">=", "==": "!="}


def passes(folder: Path, tests: dict[str, Any], *written: Rule) -> bool:
    """Whether the tests pass with these rules alone."""
    write_rules(folder / "rules.yml", *written)
    (folder / "tests.yml").write_text(yaml.safe_dump(tests | {"rule_files": ["rules.yml"]}))
    tested = promtool("test", "rules", "tests.yml", cwd=folder)
    # A mutant that promtool cannot read would be no proof of anything.
    assert re.search(r"SUCCESS|\b(?:got|err):", tested.stdout + tested.stderr), tested.stderr
    return tested.returncode == 0


def changed(expression: str, found: re.Match[str], new: str) -> str:
    """The expression with what was found replaced."""
    return expression[: found.start()] + new + expression[found.end() :]


def windows(expression: str) -> Iterator[str]:
    """The expression with one of its windows half as long."""
    for found in WINDOW.finditer(expression):
        half = int(found["size"]) * SECONDS[found["unit"]] // 2
        yield changed(expression, found, f"[{half}s]")


def changed_alerts(rule: Rule) -> Iterator[Rule]:
    """The alert with one of its numbers or comparisons changed."""
    expression = rule["expr"]
    for found in THRESHOLD.finditer(expression):
        number = float(found["number"])
        if number == 0:
            others = [f"{OTHER[found['op']]} {found['paren']}0"]
        else:
            by = 1 if number in (1, 2, 3) else number / 10
            others = [
                f"{found['op']} {found['paren']}{each:.7g}" for each in (number - by, number + by)
            ]
        for other in others:
            yield rule | {"expr": changed(expression, found, other)}
    for other in windows(expression):
        yield rule | {"expr": other}
    if "for" in rule:
        seconds = int(rule["for"][:-1]) * SECONDS[rule["for"][-1]]
        for by in (-1, 1):
            yield rule | {"for": f"{seconds + by * max(30, seconds // 4)}s"}


def cases_of(alert: str) -> dict[str, Any]:
    """A test file with the cases of this alert alone."""
    cases, interval = [], ""
    for file, case in unit_tests():
        silent = [look for look in case.get("alert_rule_test", []) if look["alertname"] == alert]
        firing = [
            look
            for look in case.get("promql_expr_test", [])
            if look["expr"].startswith(f'ALERTS{{alertname="{alert}"')
        ]
        if (silent or firing) and file != "scenarios.yml":
            kept = {name: case[name] for name in ("name", "interval", "input_series")}
            interval = yaml.safe_load((TESTS / file).read_text())["evaluation_interval"]
            cases.append(kept | {"alert_rule_test": silent, "promql_expr_test": firing})
    return {"evaluation_interval": interval, "tests": cases}


@pytest.mark.parametrize("alert", ALERTS)
def test_changed_alert_is_noticed(alert: str, tmp_path: Path) -> None:
    tests = cases_of(alert)
    assert passes(tmp_path, tests, ALERTS[alert])
    for mutant in changed_alerts(ALERTS[alert]):
        assert not passes(tmp_path, tests, mutant), (mutant["expr"], mutant.get("for"))


SELECTORS = (
    ("(0.99", "(0.9"),
    ("(0.95", "(0.9"),
    ("(0.5", "(0.9"),
    (" 0.99,", " 0.9,"),
    ('le="0.5"', 'le="1.0"'),
    ('status=~"5.."', 'status=~"[45].."'),
    (', status!~"4.."', ""),
    ("|/metrics", ""),
    ("/health(/.*)?|", ""),
    ("|none", ""),
    ('{state="in_use"}', ""),
    ("/ 0.001", "/ 0.01"),
    ("/ 0.01", "/ 0.02"),
    ("sum by", "max by"),
    ("0 * ", "1 * "),
)


def changed_records(expression: str) -> Iterator[str]:
    """The expression with one window, number or selector in it changed."""
    yield from windows(expression)
    for old, new in SELECTORS:
        for found in re.finditer(re.escape(old) + r"(?!\d)", expression):
            yield changed(expression, found, new)


def needed_for(record: str) -> list[Rule]:
    """The rules of the same file that the rule is made of, in the order they are evaluated in."""
    file = next(file for file in RECORDING if any(rule["record"] == record for rule in rules(file)))
    made_of = RECORDS[record]["expr"]
    return [rule for rule in rules(file) if uses(made_of, rule["record"])]


@pytest.mark.parametrize("record", RECORDS)
def test_changed_record_is_noticed(record: str, tmp_path: Path) -> None:
    tests = {}
    for path in sorted(TESTS.glob("*.yml")):
        written = yaml.safe_load(path.read_text())
        for case in written["tests"]:
            looks = case.get("promql_expr_test", [])
            case["promql_expr_test"] = [look for look in looks if uses(look["expr"], record)]
            case.pop("alert_rule_test", None)
        written["tests"] = [case for case in written["tests"] if case["promql_expr_test"]]
        if written["tests"]:
            assert not tests
            tests = written
    before = needed_for(record)
    assert passes(tmp_path, tests, *before, RECORDS[record])
    for mutant in changed_records(RECORDS[record]["expr"]):
        rule = RECORDS[record] | {"expr": mutant}
        assert not passes(tmp_path, tests, *before, rule), mutant


def uses(expression: str, record: str) -> bool:
    """Whether the expression reads the recorded value."""
    return re.search(rf"(?<![\w:]){re.escape(record)}(?![\w:])", expression) is not None
