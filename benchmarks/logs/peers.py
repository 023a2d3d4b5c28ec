"""Viewers in Python, each in an environment of its own: they need old versions of the same."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

_LIMIT = 300.0


class MissingError(Exception):
    """A peer that is not here, and why."""


class Pin(NamedTuple):
    """What pip installs, and by which Python; None: this one."""

    requirements: tuple[str, ...]
    python: str | None = None


PINS = {
    "toolong": Pin(("toolong==1.5.0", "textual==0.58.1")),
    "tailjlogs": Pin(("tailjlogs==2.4.6", "textual==8.2.8")),
    "jnav": Pin(("jnav==1.1.0",), "python3.14"),
}
"""By name. Textual is pinned as well: it is what draws."""


def install(folder: Path, name: str) -> Path:
    """Make `folder/NAME` unless it is there; return the folder of its programs. Raises
    `MissingError`."""
    home = folder / name
    done = home / "installed"
    pin = PINS[name]
    if done.exists() and done.read_text() == " ".join(pin.requirements):
        return home / "bin"
    python = shutil.which(pin.python) if pin.python else sys.executable
    if python is None:
        raise MissingError(f"needs {pin.python}, which is not on PATH")
    pip = [str(home / "bin" / "python"), "-m", "pip", "install", "--quiet"]
    _run([python, "-m", "venv", "--clear", str(home)])
    _run([*pip, "--disable-pip-version-check", *pin.requirements])
    done.write_text(" ".join(pin.requirements))
    return home / "bin"


def _run(command: list[str]) -> None:
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        raise MissingError(f"cannot be installed: {error}") from None
    if done.returncode:
        said = [line for line in done.stderr.splitlines() if line.strip()] or ["pip failed"]
        raise MissingError(f"cannot be installed: {said[-1][:200]}")
