"""A person in a terminal, 80 by 24, beside a running service: tmux, curl and a kill."""

import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from uuid import uuid4

import httpx
import pytest

from tests.service.support import PASSWORD, Service, start_service
from tests.support import ROOT, alembic, environment, wait_until

pytestmark = pytest.mark.skipif(shutil.which("tmux") is None, reason="there is no tmux here")


class Terminal:
    """A tmux server of its own, with one window of 80 by 24."""

    def __init__(self, socket: Path, command: list[str], environ: dict[str, str]) -> None:
        self._socket = socket
        self._tmux("new-session", "-d", "-x", "80", "-y", "24", *command, environ=environ)

    def press(self, *keys: str) -> None:
        """Types the keys, in tmux's names."""
        self._tmux("send-keys", *keys)

    def shown(self) -> str:
        """What is on the screen now."""
        return self._tmux("capture-pane", "-p")

    def wait_for(self, *texts: str, limit: float = 10.0) -> str:
        """The screen once all the texts are on it."""
        wait_until(
            lambda: all(text in self.shown() for text in texts),
            f"{texts} on the screen",
            limit,
        )
        return self.shown()

    def close(self) -> None:
        """Ends everything that runs in it."""
        self._tmux("kill-server")

    def _tmux(self, *arguments: str, environ: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["tmux", "-S", self._socket, *arguments],
            env=environ or environment(),
            capture_output=True,
            text=True,
            timeout=20,
            check=True,
        )
        return done.stdout


@pytest.fixture
def log_file(tmp_path: Path) -> Path:
    """Where the service writes its JSON lines and the console reads them."""
    return tmp_path / "service.jsonl"


@pytest.fixture
def start(empty_database: str, tmp_path: Path, log_file: Path) -> Iterator[Callable[..., Service]]:
    """Starts the service on a database without tables, again on the same port if asked."""
    started: list[Service] = []

    def begin(**variables: str) -> Service:
        log = tmp_path / f"stdout-{len(started)}"
        settings = {"DATABASE_URL": empty_database, "LOG_FILE": str(log_file), **variables}
        started.append(start_service(log, **settings))
        return started[-1]

    yield begin
    for service in started:
        service.process.kill()
        service.process.wait(10)


@pytest.fixture
def open_console(
    empty_database: str, tmp_path: Path, log_file: Path
) -> Iterator[Callable[[str], Terminal]]:
    """Opens the console on the service at the URL, as an operator would."""
    opened: list[Terminal] = []

    def begin(url: str) -> Terminal:
        command = [sys.executable, "-m", "console", "--name", "shop", "--alembic", str(ROOT)]
        command += ["--health", f"web1={url}/health", "--log", str(log_file)]
        environ = environment(
            DATABASE_URL=empty_database,
            PYTHONPATH=str(ROOT),
            TERM="screen-256color",
            LANG="C.UTF-8",
        )
        opened.append(Terminal(tmp_path / "tmux", command, environ))
        return opened[-1]

    yield begin
    for terminal in opened:
        terminal.close()


def test_from_an_empty_database_to_a_request_on_the_screen(
    start: Callable[..., Service],
    open_console: Callable[[str], Terminal],
    empty_database: str,
) -> None:
    service = start()
    console = open_console(service.url)
    console.wait_for("● web1", "healthy", "connected", "1 of 1 healthy", limit=20)

    console.press("5")
    console.wait_for("pending", "create users", limit=20)
    console.press("u")
    console.wait_for("alembic upgrade head")
    console.press("y")
    console.wait_for("(head)", "current", limit=30)
    assert "(head)" in alembic(empty_database, "current").stdout

    console.press("2")
    console.wait_for("REQUEST OR EVENT")
    person = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    answer = httpx.post(f"{service.url}/api/v1/auth/register", json=person)
    assert answer.status_code == 201
    # The contract is one second; the rest is for a machine that is busy with other tests.
    console.wait_for("POST", "/api/v1/auth/register", "201", limit=5)

    console.press("1")
    service.process.kill()
    service.process.wait(10)
    console.wait_for("✖ web1", "unhealthy", "0 of 1 healthy", "connection refused", limit=6)
    start(PORT=service.environ["PORT"])
    console.wait_for("● web1", "1 of 1 healthy", "unhealthy → healthy", limit=6)
