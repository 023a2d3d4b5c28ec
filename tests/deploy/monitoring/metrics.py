"""Which metrics the rules and the dashboard read."""

import json
import re
from typing import Any

from tests.deploy.monitoring.promtool import ALERTS, MONITORING, RECORDS

SERVICE = re.compile(r"\b(?:http|database|event_loop|service|rate_limit|backup)_[a-z0-9_]+")
OTHERS = re.compile(r"\b(?:up|probe_[a-z_]+|(?:prometheus|alertmanager|process)_[a-z_]+)\b")
DASHBOARD: dict[str, Any] = json.loads(
    (MONITORING / "grafana" / "dashboards" / "service.json").read_text()
)


def read_by(expression: str) -> set[str]:
    """The metrics in an expression; recorded ones are not among them."""
    bare = re.sub(r'"(?:[^"\\]|\\.)*"', '""', expression)
    bare = re.sub(r"\b[\w]+:[\w:]+", "", bare)
    return set(SERVICE.findall(bare)) | set(OTHERS.findall(bare))


def read_by_rules() -> set[str]:
    """The metrics that rules are made of."""
    rules = [*ALERTS.values(), *RECORDS.values()]
    return set().union(*(read_by(rule["expr"]) for rule in rules))


def expressions() -> list[str]:
    """Every PromQL expression of the dashboard."""
    targets = [target for panel in DASHBOARD["panels"] for target in panel.get("targets", [])]
    queries = [each["expr"] for each in targets if each["datasource"]["type"] == "prometheus"]
    return [*queries, *(each["expr"] for each in DASHBOARD["annotations"]["list"])]


def read_by_dashboard() -> set[str]:
    """The metrics that panels are made of."""
    return set().union(*(read_by(each) for each in expressions()))


def exposed_by_others() -> set[str]:
    """What appears only after something has gone wrong."""
    return {"alertmanager_notifications_failed_total"}
