"""Every object of every variant is one that the oldest Kubernetes it is for, the newest there is a
schema of, Gateway API and Prometheus Operator accept; one with a slip in it is refused."""

import json
from pathlib import Path

import kubernetes_validate
import pytest

from tests.deploy.kubernetes import crds
from tests.deploy.kubernetes.rendered import Object, copy_of_the_tree, label, render, replace
from tests.deploy.kubernetes.variants import VARIANTS, change, variant

# README.md: a pause before SIGTERM without a shell is from 1.30 on.
OLDEST = "1.30"
VERSIONS = (OLDEST, kubernetes_validate.latest_version())


def refused(each: Object, version: str) -> list[str]:
    """What is wrong with the object in that version of Kubernetes."""
    if each["apiVersion"].partition("/")[0] in crds.PACKAGES:
        return crds.violations(each)
    try:
        kubernetes_validate.validate(each, version, strict=True)
    except kubernetes_validate.ValidationError as error:
        return [str(error.message)]
    except kubernetes_validate.SchemaNotFoundError:
        return [f"there is no {each['kind']} in {each['apiVersion']}"]
    return []


@pytest.mark.parametrize("version", VERSIONS)
def test_everything_is_accepted(version: str) -> None:
    rendered = [each for name in VARIANTS for each in variant(name).objects]
    different = {json.dumps(each, sort_keys=True): each for each in rendered}
    wrong = [(label(each), refused(each, version)) for each in different.values()]
    assert [each for each in wrong if each[1]] == []


SLIPS = {
    "a misspelt key": ("production", "base/deployment.yaml", "readOnlyRootFilesystem", "readOnly"),
    "a number for a name": ("production", "base/service.yaml", "- name: http", "- name: 80"),
    "a kind of another group": ("production", "base/pdb.yaml", "policy/v1", "apps/v1"),
    "a number that is none": (
        "production",
        "base/hpa.yaml",
        "averageUtilization: 70",
        "averageUtilization: high",
    ),
    "a rule without a route": (
        "production",
        "components/gateway/httproute.yaml",
        "timeouts:",
        "timeout:",
    ),
    "a time without a unit": (
        "production",
        "components/gateway/httproute.yaml",
        "request: 60s",
        'request: "60"',
    ),
    "a gateway of no class": (
        "production",
        "components/gateway/gateway.yaml",
        "gatewayClassName",
        "class",
    ),
    "nothing to scrape": (
        "production",
        "components/monitoring/servicemonitor.yaml",
        "endpoints:",
        "ports:",
    ),
    "a probe of nothing": ("production", "components/monitoring/probe.yaml", "prober:", "probe:"),
    "a rule without an expression": (
        "production",
        "components/monitoring/kubernetes_rules.yaml",
        "expr: kube_cronjob_spec_suspend",
        "expression: kube_cronjob_spec_suspend",
    ),
    "an ingress without a type of path": (
        "ingress",
        "components/ingress/ingress.yaml",
        "path: /api/v1\n            pathType: Prefix",
        "path: /api/v1",
    ),
}


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_is_refused(slip: str, tmp_path: Path) -> None:
    name, file, old, new = SLIPS[slip]
    tree = copy_of_the_tree(tmp_path)
    replace(tree / file, old, new)
    shipped = variant(name).objects
    changed = [each for each in render(change(tree, name)).objects if each not in shipped]
    assert [found for each in changed for found in refused(each, VERSIONS[-1])]


def test_the_oldest_version_is_the_oldest_that_can_pause_before_a_stop() -> None:
    readme = Path(crds.ROOT, "deploy/kubernetes/README.md").read_text()
    assert f"Kubernetes {OLDEST}" in readme
    assert refused(variant("production").service, "1.28")
