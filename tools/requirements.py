"""Writes the requirements files: every version pinned and hashed, for every platform."""

import subprocess
import tomllib
from pathlib import Path

PROJECT = tomllib.loads(Path("pyproject.toml").read_text())
EXTRAS = PROJECT["project"]["optional-dependencies"]


def compile_file(output: str, *arguments: str, requirements: list[str] | None = None) -> None:
    """Resolves for Python 3.11 and later; without `requirements`, those of pyproject.toml."""
    source = "-" if requirements else "pyproject.toml"
    subprocess.run(
        [
            *("uv", "pip", "compile", "--quiet", "--upgrade", source, "--output-file", output),
            *("--universal", "--python-version", "3.11", "--generate-hashes"),
            *("--custom-compile-command", "make requirements"),
            *arguments,
        ],
        input="\n".join(requirements or []),
        text=True,
        check=True,
    )


compile_file("requirements-dev.txt", "--all-extras", "--group", "dev")
compile_file("requirements.txt", "--constraint", "requirements-dev.txt")
compile_file(
    "requirements-console.txt",
    *("--constraint", "requirements-dev.txt"),
    requirements=EXTRAS["console"],
)
compile_file(
    "deploy/backup/requirements.txt",
    *("--constraint", "requirements-dev.txt"),
    requirements=EXTRAS["backup"],
)
compile_file(
    "deploy/docker/requirements.txt",
    *("--constraint", "requirements-dev.txt"),
    requirements=PROJECT["build-system"]["requires"],
)
