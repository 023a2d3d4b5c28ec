"""The rules of alerting that Kubernetes gets are those every deployment has, and the ones about the
backup's CronJob and the roll-out fire when they should: by promtool."""

import importlib.util
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml

from tests.deploy.kubernetes.rendered import FOLDER
from tests.deploy.kubernetes.variants import variant
from tests.deploy.monitoring.promtool import promtool

MONITORING = FOLDER / "components" / "monitoring"


@pytest.fixture(scope="module")
def generator() -> ModuleType:
    spec = importlib.util.spec_from_file_location("rules", MONITORING / "generate_rules.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_shared_rules_are_up_to_date(generator: ModuleType) -> None:
    assert (MONITORING / "rules.yaml").read_text() == generator.generate(), (
        "run: python deploy/kubernetes/components/monitoring/generate_rules.py"
    )


def test_what_is_left_out_is_there_to_be_left_out(generator: ModuleType) -> None:
    groups = {
        group["name"]
        for file in generator.RULES.glob("*.yml")
        for group in yaml.safe_load(file.read_text())["groups"]
    }
    assert groups > generator.LEFT_OUT


def test_the_rules_ask_for_jobs_that_are_scraped() -> None:
    rendered = variant("production")
    (monitor,) = rendered.of("ServiceMonitor")
    labels = rendered.named("Service", "quartermaster")["metadata"]["labels"]
    (probe,) = rendered.of("Probe")
    scraped = {labels[monitor["spec"]["jobLabel"]], probe["spec"]["jobName"]}
    (shared,) = [each for each in rendered.of("PrometheusRule") if _is_shared(each)]
    expressions = "".join(
        rule["expr"] for group in shared["spec"]["groups"] for rule in group["rules"]
    )
    asked = {part.partition('"')[0] for part in expressions.split('{job="')[1:]}
    assert asked == scraped


def test_promtool_accepts_every_rule(tmp_path: Path) -> None:
    for each in variant("production").of("PrometheusRule"):
        file = tmp_path / "rules.yaml"
        file.write_text(yaml.safe_dump(each["spec"]))
        done = promtool("check", "rules", file)
        assert done.returncode == 0, done.stdout + done.stderr


def test_a_broken_expression_is_refused(tmp_path: Path) -> None:
    spec = own_rules()
    spec["groups"][0]["rules"][0]["expr"] += " >"
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(spec))
    assert promtool("check", "rules", file).returncode != 0


BACKUP = 'cronjob="quartermaster-backup", namespace="quartermaster"'
JOB = 'job_name="migrate-0.1.0", namespace="quartermaster"'
DEPLOYMENT = 'deployment="quartermaster", namespace="quartermaster"'
SCALER = 'horizontalpodautoscaler="quartermaster", namespace="quartermaster"'
# Series as promtool writes them, a value every five minutes, and the alerts at that hour.
SCENES: dict[str, tuple[dict[str, str], int, set[str]]] = {
    "a backup every day": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_cronjob_created{{{BACKUP}}}": "0x720",
            f"kube_cronjob_status_last_successful_time{{{BACKUP}}}": "0x287 86400x287 172800x144",
            f"kube_cronjob_spec_suspend{{{BACKUP}}}": "0x720",
            f"kube_job_failed{{{JOB}, condition='true'}}": "0x720",
            f"kube_deployment_status_condition{{{DEPLOYMENT}, "
            "condition='Progressing', status='false'}": "0x720",
            f"kube_horizontalpodautoscaler_status_current_replicas{{{SCALER}}}": "3x720",
            f"kube_horizontalpodautoscaler_spec_max_replicas{{{SCALER}}}": "10x720",
        },
        50,
        set(),
    ),
    "the last one failed": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_cronjob_status_last_successful_time{{{BACKUP}}}": "0x720",
        },
        28,
        {"BackupTooOld"},
    ),
    "none ever came through": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_cronjob_created{{{BACKUP}}}": "0x720",
        },
        30,
        {"BackupNotVerified"},
    ),
    "suspended and forgotten": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_cronjob_spec_suspend{{{BACKUP}}}": "1x720",
        },
        30,
        {"BackupSuspended"},
    ),
    "no CronJob": ({}, 3, {"BackupAbsent"}),
    "a migration failed": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_job_failed{{{JOB}, condition='true'}}": "1x720",
        },
        1,
        {"MigrationFailed"},
    ),
    "a roll-out is stuck": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_deployment_status_condition{{{DEPLOYMENT}, "
            "condition='Progressing', status='false'}": "1x720",
        },
        1,
        {"RolloutStuck"},
    ),
    "as many pods as there may be": (
        {
            f"kube_cronjob_info{{{BACKUP}}}": "1x720",
            f"kube_horizontalpodautoscaler_status_current_replicas{{{SCALER}}}": "10x720",
            f"kube_horizontalpodautoscaler_spec_max_replicas{{{SCALER}}}": "10x720",
        },
        2,
        {"AutoscalerAtMaximum"},
    ),
}


@pytest.mark.parametrize("scene", SCENES)
def test_an_alert_fires_when_it_should_and_only_then(scene: str, tmp_path: Path) -> None:
    series, hour, expected = SCENES[scene]
    assert fired(own_rules(), series, hour, tmp_path) == expected


def test_an_alert_that_would_never_fire_is_found(tmp_path: Path) -> None:
    spec = own_rules()
    spec["groups"][0]["rules"][0]["expr"] += "00"
    series, hour, _ = SCENES["the last one failed"]
    assert fired(spec, series, hour, tmp_path) == set()


def own_rules() -> dict[str, Any]:
    """Those that only Kubernetes has."""
    (own,) = [each for each in variant("production").of("PrometheusRule") if not _is_shared(each)]
    spec: dict[str, Any] = yaml.safe_load(yaml.safe_dump(own["spec"]))
    return spec


def fired(spec: dict[str, Any], series: dict[str, str], hour: int, folder: Path) -> set[str]:
    """The names of the alerts that promtool sees firing at that hour."""
    (folder / "rules.yaml").write_text(yaml.safe_dump(spec))
    names = sorted({rule["alert"] for group in spec["groups"] for rule in group["rules"]})
    # promtool only compares: it is told that nothing fires, and says of what that is not so.
    (folder / "test.yaml").write_text(
        yaml.safe_dump(
            {
                "rule_files": ["rules.yaml"],
                "evaluation_interval": "5m",
                "tests": [
                    {
                        "interval": "5m",
                        "input_series": [{"series": k, "values": v} for k, v in series.items()],
                        "alert_rule_test": [
                            {"eval_time": f"{hour}h", "alertname": name, "exp_alerts": []}
                            for name in names
                        ],
                    }
                ],
            }
        )
    )
    done = promtool("test", "rules", folder / "test.yaml")
    said = done.stdout + done.stderr
    assert done.returncode == 0 or "got:[" in said, said
    blocks = said.split("alertname: ")[1:]
    return {block.partition(",")[0] for block in blocks if "got:[\n" in block or "Labels" in block}


def _is_shared(each: dict[str, Any]) -> bool:
    return bool(each["metadata"]["name"] == "quartermaster")
