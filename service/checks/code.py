"""Lines about the code that is deployed: tested, on pinned packages, without secrets."""

from __future__ import annotations

import asyncio
import json
import os
import re
import stat
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

from packaging.requirements import InvalidRequirement, Requirement

from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import Scene
from service.checks.source import REQUIREMENTS, digest

LARGEST_FILE = 10 * 1024 * 1024
# Where secrets may be; `.env.example` and its like are files as any other.
DOTENV = re.compile(r"\.env(?!.*(example|sample|template|dist))(\..+)?")
NOT_DEPLOYED = frozenset({".git", "__pycache__", "var", "node_modules"})


async def tests(scene: Scene) -> Outcome:
    """`TEST_REPORT`, which a whole run of the tests writes, says that none failed, on the very code
    that is deployed: its digest of `service/`, `alembic/` and `requirements.txt` is recomputed.

    Run `make test` on what is to be deployed, and deploy `var/tests.json` with it.
    """
    path = Path(scene.settings.TEST_REPORT)
    remedy = f"run make test on this very code, and deploy what it writes as {path}"
    try:
        report = json.loads(await asyncio.to_thread(path.read_bytes))
        counts = int(report["passed"]), int(report["failed"])
        source = str(report["source"])
    except OSError as error:
        return failed(f"{path} cannot be read: {error.strerror}", remedy)
    except (ValueError, TypeError, KeyError):
        return failed(f"{path} is no report of the tests", remedy)
    if counts[1] or not counts[0]:
        return failed(f"{counts[1]} tests failed, {counts[0]} passed", remedy)
    if source != await asyncio.to_thread(digest):
        return failed("the tests were run on other code than this", remedy)
    return passed(f"{counts[0]} tests passed on this very code")


async def dependencies(scene: Scene) -> Outcome:  # noqa: ARG001 - a line looks at what it needs
    """`requirements.txt` is there, pins every package with `==` and a hash, and what is installed
    is just that.

    `pip install --require-hashes -r requirements.txt`; `make requirements` pins anew.
    """
    path = Path(REQUIREMENTS)
    try:
        text = await asyncio.to_thread(path.read_text, "utf-8")
    except OSError as error:
        return failed(f"{path} cannot be read: {error.strerror}", f"deploy {path} with the service")
    pinned, loose = read_requirements(text)
    if loose:
        return failed(f"not pinned with == and a hash: {', '.join(loose[:5])}", "make requirements")
    found = {name: _installed(name) for name in pinned}
    different = [
        f"{name} {found[name] or 'missing'} for {version}"
        for name, version in pinned.items()
        if found[name] != version
    ]
    if different:
        return failed(
            f"installed is something else: {', '.join(different[:5])}",
            f"pip install --require-hashes -r {path}",
        )
    return passed(f"{len(pinned)} packages pinned and hashed, and just those versions installed")


def read_requirements(text: str) -> tuple[dict[str, str], list[str]]:
    """The versions that are pinned for this machine, and the entries that are not pinned."""
    pinned, loose = {}, []
    for entry in re.sub(r"\\\n", " ", text).splitlines():
        wanted, *hashes = re.split(r"\s--hash=", re.sub(r"(^|\s)#.*", "", entry).strip())
        if not wanted:
            continue
        try:
            requirement = Requirement(wanted)
        except InvalidRequirement:
            loose.append(wanted)
            continue
        exact = re.fullmatch(r"==([^*,]+)", str(requirement.specifier))
        if exact is None or not hashes:
            loose.append(requirement.name)
        elif requirement.marker is None or requirement.marker.evaluate():
            pinned[requirement.name] = exact[1]
    return pinned, loose


def _installed(name: str) -> str | None:
    try:
        return metadata.version(name)
    except metadata.PackageNotFoundError:
        return None


async def secrets_in_code(scene: Scene) -> Outcome:
    """None of the secret values that are configured occurs in a deployed file, and no `.env` file
    there can be read by others.

    Take the value out, give the service another one (that one is known now); `chmod 600 .env`.
    """
    secrets = {name: value.encode() for name, value in scene.secrets().items()}
    if not secrets:
        raise Unknowable(
            "no secret is configured that could be looked for", "see the line secret-key"
        )
    return await asyncio.to_thread(_search, Path.cwd(), secrets)


def _search(root: Path, secrets: dict[str, bytes]) -> Outcome:
    looked_at = 0
    for path in _deployed(root):
        shown = path.relative_to(root)
        try:
            if DOTENV.fullmatch(path.name):
                if path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH):
                    return failed(f"others can read {shown}", f"chmod 600 {shown}")
                continue
            if path.stat().st_size > LARGEST_FILE:
                continue
            content = path.read_bytes()
        except OSError:
            continue  # what this user cannot read, the service cannot either
        for name, secret in secrets.items():
            if secret in content:
                return failed(
                    f"{name} is in {shown}",
                    f"take it out, and set {name} anew: that value is known now",
                )
        looked_at += 1
    return passed(f"none of {len(secrets)} secrets in {looked_at} files")


def _deployed(root: Path) -> Iterator[Path]:
    for folder, folders, files in os.walk(root):
        folders[:] = [
            each
            for each in folders
            if each not in NOT_DEPLOYED
            and not each.endswith("_cache")
            and not (Path(folder, each) / "pyvenv.cfg").exists()
        ]
        yield from (path for each in files if (path := Path(folder, each)).is_file())
