"""The shipped units as text, and a folder in which systemd's own tools read them as installed."""

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.support import ROOT

FOLDER = ROOT / "deploy" / "systemd"
EXTENSIONS = ("service", "socket", "timer")
FILES = sorted(each.name for each in FOLDER.glob("quartermaster*") if each.suffix[1:] in EXTENSIONS)
SERVICES = [each for each in FILES if each.endswith(".service")]
WEB = "quartermaster@.service"


def unit(file: str) -> str:
    """The unit a file makes, of a template the instance `current`."""
    return file.replace("@.", "@current.")


def settings(file: str) -> dict[str, list[str]]:
    """Every directive of the file and its values, in order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", (FOLDER / file).read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


def setting(file: str, name: str) -> str:
    """The value of a directive that occurs once."""
    (value,) = settings(file)[name]
    return value


def environment(file: str) -> dict[str, str]:
    """What `Environment=` sets."""
    return dict(each.split("=", 1) for each in settings(file).get("Environment", []))


def installed(root: Path, changes: dict[str, tuple[str, str]] | None = None) -> Path:
    """A root with the units, systemd's own, and a program at each path that a unit starts; in the
    file that `changes` names, the first text is replaced by the second."""
    system = root / "usr/lib/systemd/system"
    shutil.copytree("/lib/systemd/system", system, symlinks=True)
    for file in FILES:
        text = (FOLDER / file).read_text()
        before, after = (changes or {}).get(file, ("", ""))
        if before:
            assert text.count(before) == 1, (file, before)
            text = text.replace(before, after)
        (system / file).write_text(text)
    for file in SERVICES:
        for started in re.findall(r"^Exec\w+=/(\S+)", (FOLDER / file).read_text(), re.MULTILINE):
            path = root / started.replace("%i", "current")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.touch(0o755)
    return root


def program(name: str) -> str:
    """A program of systemd's. Without it the test is skipped; where `DEPLOY_TOOLS=required`, it
    fails."""
    if found := shutil.which(name):
        return found
    message = f"{name} is not on PATH"
    if os.environ.get("DEPLOY_TOOLS") == "required":
        pytest.fail(message)
    pytest.skip(message)


def analyze(root: Path | None, *arguments: str) -> subprocess.CompletedProcess[str]:
    """systemd-analyze, on that root if there is one."""
    return subprocess.run(
        [program("systemd-analyze"), *arguments, *([f"--root={root}"] if root else [])],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
