"""The shipped Prometheus files are accepted by promtool, pass their own unit tests, and no longer
do when they are broken."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy.monitoring.promtool import (
    ALERTS,
    PROMETHEUS,
    RECORDS,
    RULES,
    TESTS,
    copy,
    promtool,
    replace,
    unit_tests,
)

CONFIGURATIONS = ("prometheus.yml", "prometheus-vps.yml")


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_configuration_is_valid(name: str) -> None:
    checked = promtool("check", "config", name)
    assert checked.returncode == 0, checked.stderr
    assert "3 rule files found" in checked.stdout


@pytest.mark.parametrize("name", CONFIGURATIONS)
@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("scrape_timeout: 10s", "scrape_timeout: 20s"),
        ("rules/*.yml", "rules/alerts.yaml"),
        ("sample_limit: 20000", "samples_limit: 20000"),
        ("job_name: blackbox-exporter", "job_name: blackbox"),
    ],
)
def test_broken_configuration_is_refused(name: str, old: str, new: str, tmp_path: Path) -> None:
    folder = copy(tmp_path)
    replace(folder / name, old, new)
    assert promtool("check", "config", name, cwd=folder).returncode != 0


def test_configurations_differ_in_addresses_only() -> None:
    compose, vps = (yaml.safe_load((PROMETHEUS / name).read_text()) for name in CONFIGURATIONS)
    service = vps["scrape_configs"][0]
    assert service.pop("file_sd_configs") == [{"files": ["targets/service.yml"]}]
    assert compose["scrape_configs"][0].pop("dns_sd_configs")
    here = re.sub(r"127\.0\.0\.1(?=:\d+)", "", yaml.safe_dump(vps))
    there = re.sub(r"\b(alertmanager|blackbox|prometheus)(?=:\d+)", "", yaml.safe_dump(compose))
    assert here == there


@pytest.mark.parametrize("path", sorted((PROMETHEUS / "targets").iterdir()), ids=lambda at: at.name)
def test_targets_are_a_list_prometheus_reads(path: Path) -> None:
    for group in yaml.safe_load(path.read_text()):
        assert set(group) == {"targets"}
        assert all(isinstance(target, str) for target in group["targets"])


@pytest.mark.parametrize("path", sorted(RULES.iterdir()), ids=lambda path: path.name)
def test_rules_are_valid(path: Path) -> None:
    checked = promtool("check", "rules", "--lint=all", "--lint-fatal", path)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@pytest.mark.parametrize(
    ("name", "old", "new"),
    [
        ("alerts.yml", "expr: absent(up{", "expr: absent(up{{"),
        ("alerts.yml", "expr: database_pool_waiting{", "expr: database_pool_waiting + {{"),
        ("alerts.yml", "for: 30m", "for: half an hour"),
        ("alerts.yml", "{{ $labels.job }} at", "{{ $labels.job at"),
        ("alerts.yml", "- alert: BackupTooOld", "- alarm: BackupTooOld"),
        ("recording.yml", "histogram_quantile(0.5, ", "histogram_quantile(0.5 "),
        ("recording.yml", "record: instance:database_pool", "record: instance-database_pool"),
    ],
)
def test_broken_rules_are_refused(name: str, old: str, new: str, tmp_path: Path) -> None:
    folder = copy(tmp_path)
    replace(folder / "rules" / name, old, new)
    assert promtool("check", "rules", f"rules/{name}", cwd=folder).returncode != 0


@pytest.mark.parametrize("path", sorted(TESTS.iterdir()), ids=lambda path: path.name)
def test_unit_tests_pass(path: Path) -> None:
    tested = promtool("test", "rules", path.name, cwd=TESTS)
    assert tested.returncode == 0, tested.stdout + tested.stderr


@pytest.mark.parametrize(
    ("name", "old", "new", "tests"),
    [
        ("alerts.yml", "expr: database_up{", "expr: database_is_up{", "database.yml"),
        (
            "alerts.yml",
            "max by (job) (database_migr",
            "min by (job) (database_migr",
            "database.yml",
        ),
        ("alerts.yml", "sum by (job) (up{", "max by (instance) (up{", "instances.yml"),
        ("alerts.yml", "== on (job) group_left ()", "<= on (job) group_left ()", "backup.yml"),
        ("alerts.yml", 'up{job!="service"}', "up", "monitoring.yml"),
        ("alerts.yml", 'absent(up{job="service"})', "absent(up)", "instances.yml"),
    ],
)
def test_wrong_rules_fail_their_tests(
    name: str, old: str, new: str, tests: str, tmp_path: Path
) -> None:
    folder = copy(tmp_path)
    replace(folder / "rules" / name, old, new)
    assert promtool("check", "rules", f"rules/{name}", cwd=folder).returncode == 0
    assert promtool("test", "rules", tests, cwd=folder / "tests").returncode == 1


@pytest.mark.parametrize("name", ALERTS)
def test_alert_says_what_to_do(name: str) -> None:
    rule = ALERTS[name]
    assert rule["labels"] in ({"severity": "page"}, {"severity": "ticket"})
    texts = rule["annotations"]
    assert set(texts) == {"summary", "description", "runbook_url"}
    assert texts["runbook_url"] == f"docs/runbook.md#{name.lower()}"
    assert "{{" not in texts["summary"]
    assert "{{" in texts["description"]


def test_every_alert_is_tested_both_ways() -> None:
    silent: set[str] = set()
    firing: set[str] = set()
    for _, case in unit_tests():
        silent |= {look["alertname"] for look in case.get("alert_rule_test", [])}
        for look in case.get("promql_expr_test", []):
            firing |= set(re.findall(r'^ALERTS{alertname="(\w+)"', look["expr"]))
    assert silent == firing == set(ALERTS)


def test_every_recorded_value_is_tested() -> None:
    expressions = " ".join(
        look["expr"]
        for file, case in unit_tests()
        if file.startswith(("recording", "slo"))
        for look in case["promql_expr_test"]
    )
    tested = set(re.findall(r"\b(?:slo|\w*route\w*|instance):[a-z0-9_:]+", expressions))
    assert tested == set(RECORDS)


def test_descriptions_read_well(tmp_path: Path) -> None:
    """promtool prints an alert with its texts filled in where it did not expect it."""
    folder = copy(tmp_path)
    shown: dict[str, dict[str, str]] = {}
    for path in sorted((folder / "tests").glob("*.yml")):
        written = yaml.safe_load(path.read_text())
        surprises = [_unexpected(case, set(shown)) for case in written["tests"]]
        written["tests"] = [case for case in surprises if case["alert_rule_test"]]
        path.write_text(yaml.safe_dump(written))
        printed = promtool("test", "rules", path.name, cwd=path.parent)
        for alert in re.findall(r'Labels:{alertname="(\w+)".*?}\n(.*)', printed.stderr):
            shown[alert[0]] = dict(re.findall(r'(\w+)="((?:[^"\\]|\\.)*)"', alert[1]))
    assert set(shown) == set(ALERTS)
    for name, texts in shown.items():
        text = texts["description"]
        assert re.search(r"\d", text), (name, text)
        assert not re.search(r"<no value>|<error|%!|{{|\+Inf|NaN|\d\.\d{4}", text), (name, text)
        assert len(text) < 250, (name, text)


def _unexpected(case: dict[str, Any], known: set[str]) -> dict[str, Any]:
    """The case, in which every alert that fires is a surprise, unless it is known."""
    fires = [
        {"eval_time": look["eval_time"], "alertname": found[1]}
        for look in case.get("promql_expr_test", [])
        if (found := re.match(r'ALERTS{alertname="(\w+)"', look["expr"])) and found[1] not in known
    ]
    return {
        "interval": case["interval"],
        "input_series": case["input_series"],
        "alert_rule_test": fires,
    }
