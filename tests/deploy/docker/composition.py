"""The Compose files as Compose itself renders them."""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.support import ROOT, environment

COMPOSE = Path(sys.executable).with_name("docker-compose")
DEPLOY = ROOT / "deploy"
STACK, PRODUCTION = "docker-compose.yml", "docker-compose.prod.yml"
FILES = (STACK, PRODUCTION)
PROFILES = ("monitoring", "development")
# What the production file demands.
ENVIRON = {
    "IMAGE": "registry.example.com/quartermaster",
    "VERSION": "1.2.3",
    "SERVER_NAME": "api.example.com",
    "CORS_ORIGINS": "https://app.example.com",
}

Rendered = dict[str, Any]


def compose(
    folder: Path, name: str, *arguments: str, **variables: str
) -> subprocess.CompletedProcess[str]:
    """`docker compose -f folder/name arguments…`"""
    return subprocess.run(
        [COMPOSE, "-f", folder / name, *arguments],
        env=environment(**variables),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def render(folder: Path, name: str, **variables: str) -> Rendered:
    """The file with everything in it, all profiles included."""
    profiles = [word for each in PROFILES for word in ("--profile", each)]
    done = compose(
        folder, name, *profiles, "config", "--format", "json", **{**ENVIRON, **variables}
    )
    assert done.returncode == 0, done.stderr
    found: Rendered = json.loads(done.stdout)
    return found


def copied(folder: Path) -> Path:
    """The Compose files, to be broken, beside what they mount."""
    for path in DEPLOY.iterdir():
        if path.name in FILES:
            shutil.copy(path, folder / path.name)
        elif path.is_dir():
            (folder / path.name).symlink_to(path)
    return folder


def seconds(duration: str) -> float:
    """Of `1m15s`."""
    total, number = 0.0, ""
    for letter in duration:
        if letter.isdigit() or letter == ".":
            number += letter
        else:
            total += float(number) * {"h": 3600, "m": 60, "s": 1}[letter]
            number = ""
    return total
