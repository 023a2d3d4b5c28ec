"""Backups, and whoever watches over them."""

from collections.abc import Iterator

from tests.deploy.kubernetes.rendered import Object, Rendered


def backups_are_made_and_watched(rendered: Rendered) -> Iterator[str]:
    """One at a time, encrypted, to a store elsewhere, and an alert on the CronJob by its name."""
    for job in rendered.of("CronJob"):
        spec = job["spec"]
        if spec.get("concurrencyPolicy") != "Forbid":
            yield "two backups may run at once"
        if spec.get("suspend") or "startingDeadlineSeconds" not in spec:
            yield "a backup that was missed is not caught up"
        container = spec["jobTemplate"]["spec"]["template"]["spec"]["containers"][0]
        if container["command"] != ["python", "-m", "deploy.backup", "run"]:
            yield "the backup is not made and verified"
        config = rendered.named("ConfigMap", container["envFrom"][0]["configMapRef"]["name"])
        if not config["data"].get("BACKUP_STORE", "").startswith("s3://"):
            yield "the backup stays in the pod"
        if not config["data"].get("BACKUP_AGE_RECIPIENT"):
            yield "the backup is not encrypted"
        age = f'kube_cronjob_status_last_successful_time{{cronjob="{job["metadata"]["name"]}"}}'
        if not any(age in each["expr"].partition("unless")[0] for each in _rules(rendered)):
            yield "nobody is told when backups stop"


def _rules(rendered: Rendered) -> list[Object]:
    rules = rendered.of("PrometheusRule")
    return [rule for each in rules for group in each["spec"]["groups"] for rule in group["rules"]]
