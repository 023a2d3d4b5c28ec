"""The dashboard in the repository is the one its script writes; Grafana can lay it out, promtool
reads its every query, and its data sources are those that are provisioned."""

import json
import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from deploy.monitoring.grafana import dashboard
from tests.deploy.monitoring.metrics import DASHBOARD, expressions, read_by_dashboard
from tests.deploy.monitoring.promtool import ALERTS, MONITORING, RECORDS, promtool, write_rules

GRAFANA = MONITORING / "grafana"
PANELS = [panel for panel in DASHBOARD["panels"] if panel["type"] != "row"]
KINDS = {"stat", "timeseries", "heatmap", "table", "logs"}
UNITS = {"reqps", "percentunit", "s", "short", "bytes"}


def datasources() -> set[tuple[str, str]]:
    path = GRAFANA / "provisioning" / "datasources" / "datasources.yml"
    return {(each["type"], each["uid"]) for each in yaml.safe_load(path.read_text())["datasources"]}


def test_file_is_what_the_script_writes() -> None:
    assert dashboard.FILE.read_text() == dashboard.text()


def overlapping(panels: list[dict[str, Any]]) -> list[tuple[str, str]]:
    """The titles of panels that lie on one another."""
    places = [(panel["title"], panel["gridPos"]) for panel in panels]
    return [
        (one, other)
        for index, (one, a) in enumerate(places)
        for other, b in places[index + 1 :]
        if a["x"] < b["x"] + b["w"]
        and b["x"] < a["x"] + a["w"]
        and a["y"] < b["y"] + b["h"]
        and b["y"] < a["y"] + a["h"]
    ]


def test_panels_have_places_of_their_own() -> None:
    panels = DASHBOARD["panels"]
    assert not overlapping(panels)
    for panel in panels:
        place = panel["gridPos"]
        assert place["x"] >= 0
        assert place["w"] > 0
        assert place["h"] > 0
        assert place["x"] + place["w"] <= 24
    ids = [panel["id"] for panel in panels]
    assert len(set(ids)) == len(ids)
    titles = [panel["title"] for panel in panels if panel["type"] != "row"]
    assert all(titles)
    assert overlapping([panels[1], panels[1] | {"title": "again"}])


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_panel_is_whole(panel: dict[str, Any]) -> None:
    assert panel["type"] in KINDS
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    steps = panel["fieldConfig"]["defaults"]["thresholds"]["steps"]
    assert steps[0]["value"] is None
    later = [step["value"] for step in steps[1:]]
    assert later == sorted(later)
    assert panel["targets"]
    assert len({target["refId"] for target in panel["targets"]}) == len(panel["targets"])
    for datasource in (panel["datasource"], *(each["datasource"] for each in panel["targets"])):
        assert (datasource["type"], datasource["uid"]) in datasources()


def test_variables_are_used_and_known() -> None:
    known = {variable["name"] for variable in DASHBOARD["templating"]["list"]}
    used = set(re.findall(r"\$(\w+)", " ".join(expressions())))
    assert known == {"instance", "route"}
    assert used == known | {"__rate_interval"}
    for variable in DASHBOARD["templating"]["list"]:
        assert ("prometheus", variable["datasource"]["uid"]) in datasources()


def filled(expression: str) -> str:
    """The expression as Grafana sends it."""
    return (
        expression.replace("$__rate_interval", "1m")
        .replace("$instance", ".*")
        .replace("$route", ".*")
    )


def parses(folder: Path, *asked: str) -> bool:
    """Whether promtool can read the expressions, each as a rule."""
    rules = [
        {"record": f"dashboard:{index}", "expr": filled(each)} for index, each in enumerate(asked)
    ]
    write_rules(folder / "rules.yml", *rules)
    return promtool("check", "rules", "rules.yml", cwd=folder).returncode == 0


def test_promtool_reads_every_query(tmp_path: Path) -> None:
    assert len(expressions()) > 40
    assert parses(tmp_path, *expressions())


@pytest.mark.parametrize(
    ("old", "new"), [("sum by (", "sum of ("), ("$__rate_interval", ""), ("))", ")")]
)
def test_broken_query_is_refused(old: str, new: str, tmp_path: Path) -> None:
    asked = next(each for each in expressions() if old in each)
    assert not parses(tmp_path, asked.replace(old, new, 1))


def test_recorded_values_are_recorded() -> None:
    used = set(re.findall(r"\b\w+:\w+(?::\w+)?", " ".join(expressions())))
    assert used
    assert used <= set(RECORDS)


def test_what_alerts_watch_can_be_seen() -> None:
    watched = set(re.findall(r"\b(?:database|rate_limit|backup|probe)_\w+", json.dumps(ALERTS)))
    shown = read_by_dashboard()
    hidden = {name for name in watched if name not in shown and "pool_in_use" not in name}
    assert hidden == {"backup_last_attempt_success"}


def test_files_are_provisioned_where_they_lie() -> None:
    path = GRAFANA / "provisioning" / "dashboards" / "dashboards.yml"
    (provider,) = yaml.safe_load(path.read_text())["providers"]
    assert provider["options"] == {"path": "/var/lib/grafana/dashboards"}
    assert provider["allowUiUpdates"] is False
