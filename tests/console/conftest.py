"""Real things to watch: an HTTP server whose answer can be changed, an Alembic project, a log."""

import asyncio
import json
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest


@pytest.fixture
def until() -> Callable[..., Awaitable[None]]:
    """Waits for a condition, and fails when it has not come true in time."""

    async def wait(condition: Callable[[], object], *, seconds: float = 10.0) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, "waited in vain"
            await asyncio.sleep(0.02)

    return wait


class HealthServer:
    """Answers every request with `status` and `body`, once `release` is set; one for `/metrics`
    with `metrics`, and with 404 as long as there are none."""

    def __init__(self, port: int = 0) -> None:
        self.become_healthy()
        self.release = threading.Event()
        self.release.set()
        self.metrics: bytes | None = None
        self.requests = 0
        self.at_once = 0
        self.most_at_once = 0
        self.request_ids: list[str] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/metrics":
                    self.send_response(200 if outer.metrics else 404)
                    self.send_header("Content-Length", str(len(outer.metrics or b"")))
                    self.end_headers()
                    self.wfile.write(outer.metrics or b"")
                    return
                outer.requests += 1
                outer.request_ids.append(self.headers.get("X-Request-ID", ""))
                outer.at_once += 1
                outer.most_at_once = max(outer.most_at_once, outer.at_once)
                try:
                    outer.release.wait(30)
                    self.send_response(outer.status)
                    self.send_header("Content-Length", str(len(outer.body)))
                    self.end_headers()
                    self.wfile.write(outer.body)
                except OSError:
                    self.close_connection = True
                finally:
                    outer.at_once -= 1

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self._server.daemon_threads = True
        self.port = self._server.server_address[1]
        self.url = f"http://127.0.0.1:{self.port}/health"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,))
        self._thread.start()
        self._open = True

    def become_unhealthy(self, error: str) -> None:
        self.status, self.body = 503, json.dumps({"status": "unhealthy", "error": error}).encode()

    def become_healthy(self) -> None:
        self.status, self.body = 200, b'{"status":"healthy","database":"connected"}'

    def close(self) -> None:
        if self._open:
            self._open = False
            self.release.set()
            self._server.shutdown()
            self._thread.join()
            self._server.server_close()


@pytest.fixture
def start_health() -> Iterator[Callable[..., HealthServer]]:
    """Starts health servers; all are stopped at the end."""
    servers: list[HealthServer] = []

    def start(port: int = 0) -> HealthServer:
        servers.append(HealthServer(port))
        return servers[-1]

    yield start
    for server in servers:
        server.close()


_ENV = """
from alembic import context
from sqlalchemy import create_engine

engine = create_engine(context.config.get_main_option("sqlalchemy.url"))
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
engine.dispose()
"""


class AlembicProject:
    """A folder with alembic.ini, an SQLite database and as many revisions as are added."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.database = folder / "data.sqlite"
        self.env = folder / "scripts" / "env.py"
        (folder / "scripts" / "versions").mkdir(parents=True)
        self.env.write_text(_ENV)
        (folder / "alembic.ini").write_text(
            "[alembic]\nscript_location = %(here)s/scripts\n"
            "path_separator = os\nsqlalchemy.url = sqlite:///%(here)s/data.sqlite\n"
        )
        self.revisions: list[str] = []

    def add(self, revision: str, message: str, body: str = "pass") -> None:
        """Add a revision after the last one; `body` is the upgrade, one statement a line."""
        parent = repr(self.revisions[-1]) if self.revisions else None
        lines = "\n".join(f"    {line}" for line in body.splitlines())
        (self.folder / "scripts" / "versions" / f"{revision}.py").write_text(
            f'"""{message}"""\nimport time\nfrom pathlib import Path\nfrom alembic import op\n'
            f"revision = {revision!r}\ndown_revision = {parent}\n\n"
            f"def upgrade():\n{lines}\n\ndef downgrade():\n    pass\n"
        )
        self.revisions.append(revision)

    def remove_last(self) -> None:
        (self.folder / "scripts" / "versions" / f"{self.revisions.pop()}.py").unlink()


@pytest.fixture
def alembic_project(tmp_path: Path) -> AlembicProject:
    """A project with two revisions, none of them applied."""
    project = AlembicProject(tmp_path / "project")
    project.add("a1", "create users", 'op.execute("CREATE TABLE users (id INTEGER)")')
    project.add("b2", "add roles", 'op.execute("CREATE TABLE roles (id INTEGER)")')
    return project


@pytest.fixture
def log_line() -> Callable[..., bytes]:
    """Makes a line as the service writes it."""

    def make(**fields: object) -> bytes:
        record = {
            "timestamp": "2026-01-15T10:30:00.123Z",
            "level": "INFO",
            "event": "request",
            "request_id": "abc123",
            "method": "POST",
            "path": "/api/v1/users",
            "status": 201,
            "duration_ms": 45.2,
            "user_id": 42,
        }
        return json.dumps(record | fields).encode() + b"\n"

    return make


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """A log file, empty."""
    path = tmp_path / "service.jsonl"
    path.touch()
    return path


@pytest.fixture(autouse=True)
def _no_surroundings(monkeypatch: pytest.MonkeyPatch) -> None:
    """What the shell that runs the tests happens to set must not choose the target."""
    for name in ("APP_ENV", "FLASK_ENV", "PORT", "LOG_FILE"):
        monkeypatch.delenv(name, raising=False)
