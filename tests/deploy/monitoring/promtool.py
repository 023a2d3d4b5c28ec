"""promtool on the shipped rules, and on copies of them that are broken on purpose."""

import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

from tests.debian import debian_tool
from tests.support import ROOT

MONITORING = ROOT / "deploy" / "monitoring"
PROMETHEUS = MONITORING / "prometheus"
RULES = PROMETHEUS / "rules"
TESTS = PROMETHEUS / "tests"

Rule = dict[str, Any]


def promtool(*arguments: str | Path, cwd: Path = PROMETHEUS) -> subprocess.CompletedProcess[str]:
    """What promtool says about files in the folder."""
    tool = debian_tool("promtool")
    return subprocess.run(
        [tool.path, *arguments],
        cwd=cwd,
        env=tool.environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def copy(folder: Path) -> Path:
    """Prometheus's files in a folder of one's own, to be broken there."""
    return Path(shutil.copytree(PROMETHEUS, folder / "prometheus"))


def replace(path: Path, old: str, new: str) -> None:
    """Replaces what occurs in the file exactly once."""
    text = path.read_text()
    assert text.count(old) == 1, old
    path.write_text(text.replace(old, new))


def groups(name: str) -> list[dict[str, Any]]:
    """The groups of one of the rule files."""
    found: list[dict[str, Any]] = yaml.safe_load((RULES / name).read_text())["groups"]
    return found


def rules(name: str) -> Iterator[Rule]:
    """The rules in one of the rule files."""
    for group in groups(name):
        yield from group["rules"]


ALERTS: dict[str, Rule] = {rule["alert"]: rule for rule in rules("alerts.yml")}
RECORDING = ("recording.yml", "slo.yml")
RECORDS: dict[str, Rule] = {rule["record"]: rule for name in RECORDING for rule in rules(name)}


def write_rules(path: Path, *written: Rule) -> None:
    """A rule file with these rules and no others."""
    path.write_text(yaml.safe_dump({"groups": [{"name": "only", "rules": list(written)}]}))


def unit_tests() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every case in the shipped unit tests, with the name of its file."""
    for path in sorted(TESTS.glob("*.yml")):
        for case in yaml.safe_load(path.read_text())["tests"]:
            yield path.name, case
