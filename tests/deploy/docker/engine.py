"""Docker, Podman or Buildah, whichever can be used here: to build the image, and to run it as in
production: read-only, as its own user, without a capability.

IMAGE_ENGINE chooses among them. PYTHON_IMAGE is the base to build on, by default the Dockerfile's;
it must be there already, for nothing is pulled. IMAGE_BUILD_OPTIONS goes to the build, for a
package index of one's own for instance: `--volume /etc/pip.conf:/etc/pip.conf:ro`.
"""

import json
import os
import re
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
import pytest

from tests.support import ROOT, wait_until

ENGINES = ("docker", "podman", "buildah")
BUILD_LIMIT = 900.0
DOCKERFILE = (ROOT / "Dockerfile").read_text()
DEFAULT_BASE = re.findall(r"^ARG PYTHON_IMAGE=(\S+)$", DOCKERFILE, re.MULTILINE)[0]
BASE = os.environ.get("PYTHON_IMAGE") or DEFAULT_BASE
# What the engines do for a read-only container, done by hand around Buildah's root file system. Its
# process is the first of its namespace, as in a container: no signal has a default action there.
ISOLATED = """
set -eu
mount --bind "$1" "$1"
mount -t proc proc "$1/proc"
mount -t tmpfs tmpfs "$1/tmp"
mount -t devtmpfs devtmpfs "$1/dev"
mkdir -p "$1/dev/shm"
mount -t tmpfs tmpfs "$1/dev/shm"
mount -o remount,bind,ro "$1"
root=$1
shift
exec chroot "$root" /usr/bin/setpriv --reuid 10001 --regid 10001 --clear-groups --no-new-privs \\
    --bounding-set=-all --inh-caps=-all /bin/sh -c 'cd /app && exec "$@"' sh "$@"
"""


@dataclass
class Running:
    """A container that runs, on the host's network. `stop` returns its exit code."""

    log: Path
    process: subprocess.Popen[bytes]
    inside: psutil.Process | None = None
    command: tuple[str, ...] = ()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        if self.inside:
            self.inside.terminate()
        else:
            subprocess.run(self.command, check=True, capture_output=True, timeout=60)
        return self.process.wait(60)


class Engine:
    """Docker or Podman."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.options: tuple[str, ...] = ("--format", "docker") if name == "podman" else ()

    def say(self, *arguments: str, limit: float = 60.0) -> str:
        """What the engine's command prints."""
        done = subprocess.run(
            [self.name, *arguments],
            cwd=ROOT,
            capture_output=True,
            text=True,
            timeout=limit,
            check=False,
        )
        assert done.returncode == 0, (done.stdout + done.stderr)[-3000:]
        return done.stdout

    def problem(self) -> str | None:
        """Why it cannot be used here."""
        if shutil.which(self.name) is None:
            return f"no {self.name}"
        try:
            self.say("version" if self.name != "buildah" else "info")
            self.details(BASE)
        except (AssertionError, OSError, subprocess.SubprocessError) as error:
            return f"{self.name} cannot use {BASE}: {str(error).strip().splitlines()[-1]}"
        return None

    def details(self, image: str) -> dict[str, Any]:
        """The image, as Docker describes it."""
        found: list[dict[str, Any]] = json.loads(self.say("image", "inspect", image))
        return found[0]

    def settings(self, image: str) -> dict[str, Any]:
        """The image's configuration."""
        config: dict[str, Any] = self.details(image)["Config"]
        return config

    def size(self, image: str) -> int:
        """In bytes, all layers, uncompressed."""
        return int(self.details(image)["Size"])

    def build(self, target: str, *options: str) -> str:
        """The image's name. Nothing is pulled."""
        image = f"localhost/quartermaster-test:{target}"
        more = shlex.split(os.environ.get("IMAGE_BUILD_OPTIONS", ""))
        base = ("--build-arg", f"PYTHON_IMAGE={BASE}")
        command = ("build", "--target", target, *base, *self.options, *options, *more)
        self.say(*command, "--tag", image, ".", limit=BUILD_LIMIT)
        return image

    def run(self, image: str, *command: str) -> str:
        """What the command prints, in a container of its own without a network."""
        return self.say("run", "--rm", "--network", "none", image, *command)

    @contextmanager
    def running(
        self, image: str, environ: Mapping[str, str], log: Path, *command: str
    ) -> Iterator[Running]:
        """The image's own command, or another, with this environment."""
        name = f"quartermaster-test-{os.getpid()}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *(self.name, "run", "--rm", "--name", name, "--network", "host"),
                    *("--read-only", "--tmpfs", "/tmp", "--cap-drop", "ALL"),
                    *("--security-opt", "no-new-privileges"),
                    *(f"--env={key}={value}" for key, value in environ.items()),
                    image,
                    *command,
                ],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
        try:
            yield Running(log, process, command=(self.name, "stop", "--time", "45", name))
        finally:
            subprocess.run(
                [self.name, "rm", "-f", name], capture_output=True, timeout=60, check=False
            )
            process.kill()
            process.wait(10)


class Buildah(Engine):
    """Buildah, which builds but runs nothing read-only: mounts and namespaces are made here."""

    def __init__(self) -> None:
        super().__init__("buildah")
        self.options = ("--format", "docker", "--pull-never")

    def problem(self) -> str | None:
        """Why it cannot be used here."""
        if os.geteuid():
            return "buildah's images are run by a chroot, which only root may do"
        return super().problem()

    def details(self, image: str) -> dict[str, Any]:
        """The image, as Docker describes it."""
        found: dict[str, Any] = json.loads(self.say("inspect", "--type", "image", image))["Docker"]
        return found

    def settings(self, image: str) -> dict[str, Any]:
        """The image's configuration."""
        config: dict[str, Any] = self.details(image)["config"]
        return config

    def size(self, image: str) -> int:
        """In bytes, the files as they are mounted."""
        with self._root(image) as root:
            found = (each.lstat() for each in root.rglob("*"))
            return sum({each.st_ino: each.st_size for each in found}.values())

    def run(self, image: str, *command: str) -> str:
        """What the command prints."""
        name = self.say("from", "--pull-never", image).strip()
        try:
            return self.say("run", name, "--", *command)
        finally:
            self.say("rm", name)

    @contextmanager
    def running(
        self, image: str, environ: Mapping[str, str], log: Path, *command: str
    ) -> Iterator[Running]:
        """The image's own command, or another, with this environment."""
        settings = self.settings(image)
        variables = dict(each.split("=", 1) for each in settings["Env"])
        with self._root(image) as root, log.open("wb") as output:
            process = subprocess.Popen(
                [
                    *("unshare", "--mount", "--pid", "--fork", "--kill-child"),
                    *("sh", "-c", ISOLATED, "sh", str(root), *(command or settings["Cmd"])),
                ],
                env=variables | environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
            )
            try:
                inside = wait_until(psutil.Process(process.pid).children, "a process")[0]
                yield Running(log, process, inside)
            finally:
                process.kill()
                process.wait(10)

    @contextmanager
    def _root(self, image: str) -> Iterator[Path]:
        name = self.say("from", "--pull-never", image).strip()
        try:
            yield Path(self.say("mount", name).strip())
            self.say("umount", name)
        finally:
            self.say("rm", name)


def usable() -> Engine:
    """An engine that has the base image; without one the test is skipped, or fails where
    IMAGE_ENGINE demands it."""
    wanted = os.environ.get("IMAGE_ENGINE")
    reasons = []
    for name in (wanted,) if wanted else ENGINES:
        engine = Buildah() if name == "buildah" else Engine(name)
        if (problem := engine.problem()) is None:
            return engine
        reasons.append(problem)
    message = f"no image can be built here: {'; '.join(reasons)}"
    if wanted:
        pytest.fail(message)
    pytest.skip(message)
