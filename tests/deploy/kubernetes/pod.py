"""What a pod's process is given: its environment, and its secrets in files."""

import subprocess
import sys
from pathlib import Path

from tests.deploy.kubernetes.rendered import Object, Rendered, env
from tests.service.support import Service, start_service
from tests.support import ROOT, environment, free_port

MOUNT = "/run/secrets/quartermaster"


def mounted(folder: Path, **secrets: str) -> Path:
    """A Secret as the kubelet mounts it: each key a link into a folder that can be exchanged."""
    content = folder / "..2026_01_15"
    content.mkdir(parents=True)
    (folder / "..data").symlink_to(content.name)
    for key, value in secrets.items():
        (content / key).write_text(value)
        (folder / key).symlink_to(f"..data/{key}")
    return folder


def container_of(template: Object) -> Object:
    container: Object = template["spec"]["containers"][0]
    return container


def environ_of(rendered: Rendered, template: Object, mount: Path) -> dict[str, str]:
    """What the container's process finds in its environment, the mount being elsewhere here."""
    container = container_of(template)
    named = [each["configMapRef"]["name"] for each in container.get("envFrom", [])]
    config = {k: v for name in named for k, v in rendered.named("ConfigMap", name)["data"].items()}
    own = {key: value.replace(MOUNT, str(mount)) for key, value in env(container).items()}
    return config | own


def migrate(rendered: Rendered, database: str, folder: Path) -> None:
    """Runs the Job."""
    (job,) = rendered.of("Job")
    template = job["spec"]["template"]
    mount = mounted(folder / "migration", DATABASE_URL=database)
    command = container_of(template)["command"]
    assert command[0] == "python"
    done = subprocess.run(
        [sys.executable, *command[1:]],
        cwd=ROOT,
        env=environment(**environ_of(rendered, template, mount)),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def start(rendered: Rendered, database: str, store: str, folder: Path) -> Service:
    """Starts a pod's process, on another port."""
    template = rendered.service["spec"]["template"]
    mount = mounted(
        folder / "service",
        SECRET_KEY="a" * 20 + "0123456789abcdef",
        JWT_SECRET_KEY="b" * 20 + "0123456789abcdef",
        DATABASE_URL=database,
        RATELIMIT_STORAGE_URI=store,
    )
    environ = environ_of(rendered, template, mount) | {"PORT": str(free_port())}
    command = container_of(template)["command"]
    assert command[0] == "python"
    return start_service(folder / "stdout", tuple(command[1:]), **environ)
