"""amtool accepts the shipped Alertmanager configuration, every alert goes where its severity says,
and nothing secret is in the file."""

import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.debian import debian_tool
from tests.deploy.monitoring.promtool import ALERTS, MONITORING, replace

FILE = MONITORING / "alertmanager" / "alertmanager.yml"


def amtool(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    tool = debian_tool("amtool")
    return subprocess.run(
        [tool.path, *arguments],
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def route(path: Path, alert: str) -> str:
    """The receiver of an alert, as amtool finds it."""
    labels = f"severity={ALERTS[alert]['labels']['severity']}"
    found = amtool(
        "config", "routes", "test", f"--config.file={path}", labels, f"alertname={alert}"
    )
    assert found.returncode == 0, found.stderr
    return found.stdout.strip()


def test_configuration_is_valid() -> None:
    checked = amtool("check-config", FILE)
    assert checked.returncode == 0, checked.stderr


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("name: page", "name: pager"),
        ("repeat_interval: 24h", "repeat_interval: daily"),
        ("routing_key_file:", "routing_key_path:"),
        ('- alertname = "DatabaseDown"', '- alertname is "DatabaseDown"'),
    ],
)
def test_broken_configuration_is_refused(old: str, new: str, tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(FILE.read_text())
    replace(path, old, new)
    assert amtool("check-config", path).returncode != 0


@pytest.mark.parametrize("severity", ["page", "ticket"])
def test_alerts_go_where_their_severity_says(severity: str) -> None:
    names = [name for name, rule in ALERTS.items() if rule["labels"]["severity"] == severity]
    assert names
    assert {route(FILE, name) for name in names} == {severity}


def test_wrong_route_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "alertmanager.yml"
    path.write_text(FILE.read_text())
    replace(path, 'severity = "page"', 'severity = "pages"')
    assert amtool("check-config", path).returncode == 0
    assert route(path, "ServiceDown") == "ticket"


def test_inhibitions_name_alerts_there_are() -> None:
    configuration: dict[str, Any] = yaml.safe_load(FILE.read_text())
    for rule in configuration["inhibit_rules"]:
        sources, targets = (matched(rule[f"{kind}_matchers"]) for kind in ("source", "target"))
        assert sources
        assert targets
        assert not sources & targets
        # No page goes untold because of a ticket.
        assert {ALERTS[name]["labels"]["severity"] for name in sources} == {"page"}


def matched(matchers: list[str]) -> set[str]:
    """The alerts that matchers like `alertname =~ "A|B.*"` name; each part names one at least."""
    found: set[str] = set()
    for matcher in matchers:
        parts = re.fullmatch(r'alertname (?:=|=~) "([^"]+)"', matcher)
        assert parts
        for part in parts[1].split("|"):
            named = {name for name in ALERTS if re.fullmatch(part, name)}
            assert named, part
            found |= named
    return found


def test_secrets_are_in_files() -> None:
    secrets = re.compile(r"(key|url|token|password|secret|credentials)$")

    def keys(value: Any) -> set[str]:
        if isinstance(value, dict):
            return set(value).union(*(keys(each) for each in value.values()))
        return set().union(*(keys(each) for each in value)) if isinstance(value, list) else set()

    configured = keys(yaml.safe_load(FILE.read_text()))
    assert not {key for key in configured if secrets.search(key)}
    assert {"routing_key_file", "api_url_file"} <= configured
