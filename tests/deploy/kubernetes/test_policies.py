"""Every variant keeps every policy, and each policy notices when a file is broken on purpose."""

import json
from pathlib import Path

import pytest

from service.database.budget import connections_per_process
from tests.deploy.kubernetes.mutations import MUTATIONS
from tests.deploy.kubernetes.policies import POLICIES, Policy
from tests.deploy.kubernetes.policies.budget import most_pods, needed, of_the_pods
from tests.deploy.kubernetes.rendered import FOLDER, copy_of_the_tree, kustomize, render, replace
from tests.deploy.kubernetes.variants import VARIANTS, change, variant

BY_NAME = {policy.__name__: policy for policy in POLICIES}
BREAKS = [
    pytest.param(BY_NAME[name], mutation, id=f"{name}-{number}")
    for name, mutations in MUTATIONS.items()
    for number, mutation in enumerate(mutations, 1)
]


@pytest.mark.parametrize("policy", POLICIES, ids=lambda policy: policy.__name__)
def test_every_variant_keeps_it(policy: Policy) -> None:
    assert {name: list(policy(variant(name))) for name in VARIANTS} == {
        name: [] for name in VARIANTS
    }


@pytest.mark.parametrize(("policy", "mutation"), BREAKS)
def test_a_break_is_noticed(
    policy: Policy, mutation: tuple[str, str, str, str], tmp_path: Path
) -> None:
    name, file, old, new = mutation
    tree = copy_of_the_tree(tmp_path)
    replace(tree / file, old, new)
    assert list(policy(render(change(tree, name))))


def test_every_policy_is_shown_to_notice() -> None:
    assert set(MUTATIONS) == set(BY_NAME)


def test_a_changed_setting_rolls_the_pods_out(tmp_path: Path) -> None:
    """The name of the ConfigMap, and with it the pod template, changes with the content."""
    tree = copy_of_the_tree(tmp_path)
    before = render(tree / "overlays" / "production")
    replace(tree / "base" / "config.env", "LOG_FORMAT=json", "LOG_FORMAT=json\nLOG_LEVEL=debug")
    after = render(tree / "overlays" / "production")
    assert before.service["spec"]["template"] != after.service["spec"]["template"]
    assert before.of("Job") == after.of("Job")


def test_a_release_is_one_line_for_each_image(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    file = tree / "overlays" / "production" / "kustomization.yaml"
    file.write_text(file.read_text().replace("newTag: 0.1.0", "newTag: 0.2.0-rc.1"))
    rendered = render(tree / "overlays" / "production")
    assert [violation for policy in POLICIES for violation in policy(rendered)] == []
    assert rendered.of("Job")[0]["metadata"]["name"] == "migrate-0.2.0-rc.1"


def test_the_readme_has_the_right_figures() -> None:
    readme = (FOLDER / "README.md").read_text()
    for name, spare in (("production", 13), ("staging", 9)):
        rendered = variant(name)
        options = json.loads(rendered.config["SQLALCHEMY_ENGINE_OPTIONS"])
        room = rendered.service["metadata"]["annotations"]["quartermaster/max-connections"]
        sum_ = f"{most_pods(rendered)} × {connections_per_process(options)} + {spare} ≤ {room}"
        assert sum_ in " ".join(readme.split())
        assert needed(rendered) == of_the_pods(rendered) + spare
    assert f"job/{variant('production').of('Job')[0]['metadata']['name']}\n" in readme


def test_nothing_is_left_out_of_the_build() -> None:
    """Each component is in an overlay or a variant, and each file in a component or an overlay."""
    components = {each.name for each in (FOLDER / "components").iterdir()}
    overlays = "".join(each.read_text() for each in FOLDER.glob("overlays/*/kustomization.yaml"))
    assert {each for each in components if each not in overlays} == set(VARIANTS) & components
    for folder in [FOLDER / "base", *(FOLDER / "components").iterdir()]:
        listed = (folder / "kustomization.yaml").read_text()
        manifests = {each.name for each in folder.glob("*.yaml")}
        unlisted = {each for each in manifests if f"- {each}\n" not in listed}
        assert unlisted <= {"kustomization.yaml", "secret.example.yaml"}


def test_what_does_not_build_says_so(tmp_path: Path) -> None:
    tree = copy_of_the_tree(tmp_path)
    (tree / "base" / "service.yaml").unlink()
    done = kustomize(tree / "overlays" / "production")
    assert done.returncode != 0
    assert "service.yaml" in done.stderr
