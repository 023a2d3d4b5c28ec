"""What the shipped folder renders to, by kustomize itself, and copies of it to change or break."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support import ROOT

FOLDER = ROOT / "deploy" / "kubernetes"
RENDER_LIMIT = 60.0
Object = dict[str, Any]
# libyaml is ten times as fast.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def kubectl() -> str:
    """The program. Without it the test is skipped; where `DEPLOY_TOOLS=required`, it fails."""
    if found := shutil.which("kubectl", path=f"{Path(sys.executable).parent}:{os.environ['PATH']}"):
        return found
    message = "kubectl is not on PATH"
    if os.environ.get("DEPLOY_TOOLS") == "required":
        pytest.fail(message)
    pytest.skip(message)


def kustomize(folder: Path) -> subprocess.CompletedProcess[str]:
    """What `kubectl kustomize` says of that folder."""
    return subprocess.run(
        [kubectl(), "kustomize", str(folder)],
        capture_output=True,
        text=True,
        timeout=RENDER_LIMIT,
        check=False,
    )


@dataclass(frozen=True)
class Rendered:
    """The objects of one overlay, and the Secrets they need, as the example documents them."""

    objects: list[Object]
    secrets: dict[str, frozenset[str]]

    def of(self, *kinds: str) -> list[Object]:
        """The objects of these kinds."""
        return [each for each in self.objects if each["kind"] in kinds]

    def named(self, kind: str, name: str) -> Object:
        """The one of that kind and name."""
        (found,) = [each for each in self.of(kind) if each["metadata"]["name"] == name]
        return found

    @cached_property
    def pods(self) -> list[tuple[str, Object]]:
        """Every pod template there is, with the name of what makes pods of it."""
        return [(label(each), _template(each)) for each in self.of("Deployment", "Job", "CronJob")]

    @property
    def service(self) -> Object:
        """The Deployment of the service."""
        return self.named("Deployment", "quartermaster")

    @property
    def config(self) -> dict[str, str]:
        """The ConfigMap the service's pods take as their environment."""
        name = self.service["spec"]["template"]["spec"]["containers"][0]["envFrom"][0]
        data: dict[str, str] = self.named("ConfigMap", name["configMapRef"]["name"])["data"]
        return data


def render(folder: Path) -> Rendered:
    """The overlay in that folder, of the shipped tree or of a copy."""
    done = kustomize(folder)
    assert done.returncode == 0, done.stderr
    return Rendered(list(yaml.load_all(done.stdout, LOADER)), _documented(folder.parents[1]))


def copy_of_the_tree(folder: Path) -> Path:
    """A copy of deploy/kubernetes in that folder."""
    return Path(shutil.copytree(FOLDER, folder / "kubernetes"))


def replace(file: Path, old: str, new: str) -> None:
    """Puts `new` in the place of `old`, which must be in the file once."""
    text = file.read_text()
    assert text.count(old) == 1, f"{old!r} is {text.count(old)} times in {file.name}"
    file.write_text(text.replace(old, new))


def add_component(overlay: Path, name: str, *, instead_of: str | None = None) -> None:
    """Puts a component into the overlay, beside the others or in the place of one."""
    place = "components:\n" if instead_of is None else f"  - ../../components/{instead_of}\n"
    line = f"  - ../../components/{name}\n"
    replace(overlay / "kustomization.yaml", place, place + line if instead_of is None else line)


def label(each: Object) -> str:
    """What to call an object in a message."""
    return f"{each['kind']} {each['metadata']['name']}"


def env(container: Object) -> dict[str, str]:
    """The variables a container gets by itself."""
    return {each["name"]: each.get("value", "") for each in container.get("env", [])}


def walk(value: Any) -> Iterator[Object]:
    """Every mapping in a value, at any depth."""
    if isinstance(value, dict):
        yield value
    children = value.values() if isinstance(value, dict) else value
    if isinstance(value, dict | list):
        for child in children:
            yield from walk(child)


def _template(each: Object) -> Object:
    spec = each["spec"]["jobTemplate"]["spec"] if each["kind"] == "CronJob" else each["spec"]
    template: Object = spec["template"]
    return template


def _documented(tree: Path) -> dict[str, frozenset[str]]:
    """The keys of each Secret, from every example in the tree."""
    found: dict[str, frozenset[str]] = {}
    for file in sorted(tree.rglob("secret.example.yaml")):
        for each in yaml.safe_load_all(file.read_text()):
            found[each["metadata"]["name"]] = frozenset(each["stringData"])
    return found
