"""Every alert has its section in the runbook, and the runbook names panels that there are."""

import json
import re
from typing import Any

import pytest
import yaml

from tests.support import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
SECTIONS = dict(re.findall(r"^### (\w+)\n\n(.+?)(?=\n##|\Z)", RUNBOOK, re.MULTILINE | re.DOTALL))
DASHBOARD = ROOT / "deploy" / "monitoring" / "grafana" / "dashboards" / "service.json"


def alerts() -> dict[str, dict[str, Any]]:
    """Every alert that is shipped, by its name."""
    monitoring = ROOT / "deploy" / "monitoring" / "prometheus" / "rules"
    kubernetes = ROOT / "deploy" / "kubernetes" / "components" / "monitoring"
    groups = [
        *(group for path in monitoring.glob("*.yml") for group in read(path)["groups"]),
        *(
            group
            for path in kubernetes.glob("*rules.yaml")
            for group in read(path)["spec"]["groups"]
        ),
    ]
    return {rule["alert"]: rule for group in groups for rule in group["rules"] if "alert" in rule}


def read(path: Any) -> Any:
    return yaml.safe_load(path.read_text())


ALERTS = alerts()


def test_sections_are_the_alerts() -> None:
    linked = {each["annotations"]["runbook_url"].partition("#")[2] for each in ALERTS.values()}
    assert {name.lower() for name in SECTIONS} >= linked - {""}
    assert set(SECTIONS) <= set(ALERTS)


@pytest.mark.parametrize("name", SECTIONS)
def test_section_says_who_is_woken_what_to_look_at_and_what_to_do(name: str) -> None:
    text = SECTIONS[name]
    assert text.startswith(f"**{ALERTS[name]['labels']['severity'].capitalize()}.**")
    assert len(text.splitlines()) <= 12
    assert re.search(r"^\*\*(Look|Look, do):\*\*", text, re.MULTILINE)
    assert re.search(r"^\*\*(Do|Look, do):\*\*", text, re.MULTILINE)


def test_panels_that_are_named_are_there() -> None:
    named = {
        name for text in SECTIONS.values() for name in re.findall(r"(?<!\*)\*([^*]+)\*(?!\*)", text)
    }
    panels = {each["title"] for each in json.loads(DASHBOARD.read_text())["panels"]}
    assert named - {"What changed"} <= panels
    assert named
