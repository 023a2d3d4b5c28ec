"""`make screenshots`: the pictures in the README, of real services under a real load."""

import itertools
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import NamedTuple
from uuid import uuid4

import httpx

from service.database import embedded

ROOT = Path(__file__).parents[1]
IMAGES = ROOT / "docs" / "images"
NOWHERE = "postgresql://app@127.0.0.1:1/app"
SIZE = "100x28"
# As many polls as the sparklines of the overview show.
POLLS = 30


class Picture(NamedTuple):
    """The name of its file, the screen, and the keys that are pressed there."""

    name: str
    screen: str
    keys: str = ""


PICTURES = (
    Picture("overview", "overview"),
    Picture("logs", "logs"),
    Picture("statistics", "logs", "s"),
    Picture("migrations", "migrations"),
)


def main() -> int:
    """Takes the pictures; returns the exit code."""
    IMAGES.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(embedded.start(folder / "postgres", durable=False))
        environ = {**os.environ, "DATABASE_URL": database.url}
        subprocess.run(
            [sys.executable, "-m", "alembic", "upgrade", "head"], cwd=ROOT, env=environ, check=True
        )
        report = folder / "backup.json"
        backup = {
            "BACKUP_STORE": str(folder / "backups"),
            "BACKUP_REPORT": str(report),
            "BACKUP_PG_BIN": str(embedded.programs()),
        }
        subprocess.run(
            [sys.executable, "-m", "deploy.backup", "run"],
            cwd=ROOT,
            env=environ | backup,
            stdout=subprocess.DEVNULL,
            check=True,
        )
        log = folder / "service.jsonl"
        urls, processes = {}, {}
        for name, url in (("web1", database.url), ("web2", database.url), ("web3", NOWHERE)):
            started = stack.enter_context(service(log, DATABASE_URL=url, BACKUP_REPORT=str(report)))
            urls[name], processes[name] = started
        stack.enter_context(traffic(list(urls.values())))
        threading.Thread(target=freeze, args=(processes["web2"],), daemon=True).start()
        for picture in PICTURES:
            take(picture, urls, log, environ)
    return 0


def take(picture: Picture, urls: dict[str, str], log: Path, environ: dict[str, str]) -> None:
    """One picture, once there is something to see."""
    instances = [f"--health={name}={url}/health" for name, url in urls.items()]
    subprocess.run(
        [
            *(sys.executable, "-m", "tools.screenshot", "--screen", picture.screen, "--size", SIZE),
            *("--out", str(IMAGES / f"{picture.name}.svg"), "--polls", str(POLLS), "--wait", "60"),
            *("--keys", picture.keys),
            *("--name", "shop", "--environment", "staging", "--log", str(log)),
            *("--alembic", str(ROOT), *instances),
        ],
        cwd=ROOT,
        env=environ,
        check=True,
    )


@contextmanager
def service(log: Path, **variables: str) -> Iterator[tuple[str, subprocess.Popen[bytes]]]:
    """A service on a free port; yields its URL, once it answers, and its process."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    settings = {"FLASK_ENV": "testing", "PORT": str(port), "LOG_FILE": str(log), **variables}
    process = subprocess.Popen(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env={**os.environ, **settings},
        stdout=subprocess.DEVNULL,
    )
    url = f"http://127.0.0.1:{port}"
    try:
        deadline = time.monotonic() + 30
        while not alive(url):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit("the service did not start")
            time.sleep(0.05)
        yield url, process
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def freeze(process: subprocess.Popen[bytes]) -> None:
    """Something for the overview to tell: an instance that does not answer for a while."""
    time.sleep(POLLS / 3)
    process.send_signal(signal.SIGSTOP)
    time.sleep(4)
    process.send_signal(signal.SIGCONT)


def alive(url: str) -> bool:
    """Whether the service answers."""
    try:
        return httpx.get(f"{url}/health/live", timeout=2).is_success
    except httpx.TransportError:
        return False


@contextmanager
def traffic(urls: list[str]) -> Iterator[None]:
    """People who register, look at themselves and get lost, until the block ends."""
    ended = threading.Event()

    def people(number: int) -> None:
        with httpx.Client(timeout=10) as http:
            for turn in itertools.count(number):
                # One instance has no database: few are sent there.
                url = urls[-1] if turn % 40 == 0 else urls[turn % (len(urls) - 1)]
                visit(http, f"{url}/api/v1")
                if ended.wait(0.05 + 0.1 * ((turn // 20) % 3)):
                    return

    threads = [threading.Thread(target=people, args=(number,)) for number in range(3)]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        ended.set()
        for thread in threads:
            thread.join()


def visit(http: httpx.Client, api: str) -> None:
    """A few requests, of which some go wrong."""
    person = {"email": f"{uuid4().hex[:8]}@example.com", "password": "correct horse"}
    if not http.post(f"{api}/auth/register", json=person).is_success:
        return
    tokens = http.post(f"{api}/auth/login", json=person).json()
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    http.get(f"{api}/users", headers=headers)
    http.get(f"{api}/users/1", headers=headers)
    http.post(f"{api}/auth/register", json={"email": "not an address"})


if __name__ == "__main__":
    sys.exit(main())
