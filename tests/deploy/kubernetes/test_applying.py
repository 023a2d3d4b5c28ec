"""The commands of the README, run by the real kubectl: the migration goes before the pods, a
release that is applied again changes nothing, and the next one gets a Job of its own."""

import re
import shlex
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from tests.deploy.kubernetes.api import API, serving
from tests.deploy.kubernetes.rendered import Object, copy_of_the_tree, kubectl, render
from tests.support import environment

AFTER_THE_MIGRATION = {
    "Deployment/quartermaster",
    "HorizontalPodAutoscaler/quartermaster",
    "PodDisruptionBudget/quartermaster",
    "Service/quartermaster",
}


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    return copy_of_the_tree(tmp_path)


@pytest.fixture
def api(tree: Path) -> Iterator[API]:
    examples = yaml.safe_load_all((tree / "secret.example.yaml").read_text())
    with serving([*render(tree / "overlays" / "production").objects, *examples]) as running:
        yield running


def commands(tree: Path) -> list[list[str]]:
    """What the README says, but for what waits."""
    (block,) = re.findall(r"```sh\n(.*?)```", (tree / "README.md").read_text(), re.DOTALL)
    lines = [shlex.split(line) for line in block.splitlines()]
    return [each for each in lines if "apply" in each]


def run(command: list[str], tree: Path, api: API) -> dict[str, set[str]]:
    """What the command created and changed."""
    own = [each.replace("~/quartermaster-secrets", "secret.example") for each in command[1:]]
    settings = ["--server", api.url, "--cache-dir", str(tree / "cache"), "--validate=false"]
    done = subprocess.run(
        [kubectl(), *own, *settings],
        cwd=tree,
        env=environment(KUBECONFIG="/dev/null"),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    seen = api.seen()
    # Its selector is replaced, not merged: kubectl sends it every time, the same or not.
    seen["PATCH"].discard("PodDisruptionBudget/quartermaster")
    return seen


def names(objects: list[Object]) -> set[str]:
    return {f"{each['kind']}/{each['metadata']['name']}" for each in objects}


def test_the_migration_goes_first(tree: Path, api: API) -> None:
    rendered = render(tree / "overlays" / "production")
    namespace, secrets, migration, everything = commands(tree)
    assert run(namespace, tree, api)["POST"] == {"Namespace/quartermaster"}
    assert run(secrets, tree, api)["POST"] == {
        "Secret/quartermaster",
        "Secret/quartermaster-migration",
        "Secret/quartermaster-backup",
    }

    created = run(migration, tree, api)["POST"]
    whole = names(rendered.objects) - {"Namespace/quartermaster"}
    assert "Job/migrate-0.1.0" in created
    assert created == whole - AFTER_THE_MIGRATION

    assert run(everything, tree, api) == {"POST": AFTER_THE_MIGRATION, "PATCH": set()}
    assert run(everything, tree, api) == {"POST": set(), "PATCH": set()}


def test_the_next_release_has_a_job_of_its_own(tree: Path, api: API) -> None:
    everything = commands(tree)[-1]
    run(everything, tree, api)
    file = tree / "overlays" / "production" / "kustomization.yaml"
    file.write_text(file.read_text().replace("newTag: 0.1.0", "newTag: 0.2.0"))
    changed = {"CronJob/quartermaster-backup", "Deployment/quartermaster"}
    assert run(everything, tree, api) == {"POST": {"Job/migrate-0.2.0"}, "PATCH": changed}


def test_a_job_of_one_name_for_all_would_be_changed(tree: Path, api: API) -> None:
    """Which the real API refuses."""
    file = tree / "overlays" / "production" / "kustomization.yaml"
    text = file.read_text()
    file.write_text(text.partition("# Each release")[0])
    everything = commands(tree)[-1]
    run(everything, tree, api)
    file.write_text(file.read_text().replace("newTag: 0.1.0", "newTag: 0.2.0"))
    assert "Job/migrate-tag" in run(everything, tree, api)["PATCH"]
