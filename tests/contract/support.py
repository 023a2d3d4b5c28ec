"""Both sides as real processes on one database with one environment, and people who use them."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any, Literal
from uuid import uuid4

import httpx
import psutil
import psycopg

from tests.service.support import start_service
from tests.support import ROOT, environment, free_port, wait_until

SideName = Literal["flask", "here"]
SIDES: tuple[SideName, ...] = ("flask", "here")

API = "/api/v1"
AUTH = f"{API}/auth"
USERS = f"{API}/users"
PASSWORD = "correct horse battery"

SECRETS = {
    "SECRET_KEY": "5e1c0a7d94b8f3261f0d9b7ac35e8842d63f90b17ce24a58be0517f3a9c6d284",
    "JWT_SECRET_KEY": "c97b12f04e6a8d35b0e4f7a1d2689c3e58f1d40b6a7e92c3f05d8b164ea7c290",
}
"""What both sides sign with in tests: random enough for production's own check."""

START_LIMIT = 60.0
GUIDE_FLAGS = ("--threads", "2", "--timeout", "30", "--keep-alive", "5", "--capture-output")
"""Gunicorn's flags on the guide; `--workers` is set apart, for a machine of two cores."""


@dataclass(frozen=True)
class Settings:
    """The variables of a pair of sides that several behaviours share."""

    name: str
    variables: Mapping[str, str] = field(default_factory=dict, hash=False)


def query(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement; none where it gives none."""
    with psycopg.connect(url, autocommit=True, connect_timeout=10) as connection:
        cursor = connection.execute(statement.encode(), values)
        return cursor.fetchall() if cursor.description else []


@dataclass
class Server:
    """A process that answers at `url` and whose output, JSON lines among it, is in `log`."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    environ: dict[str, str]

    def kill(self) -> None:
        """Ends it and its children at once: what it was doing does not matter any more."""
        children: list[psutil.Process] = []
        with suppress(psutil.NoSuchProcess):
            children = psutil.Process(self.process.pid).children(recursive=True)
        # The parent first: it would replace the children.
        self.process.kill()
        self.process.wait(10)
        for child in children:
            with suppress(psutil.NoSuchProcess):
                child.kill()


def launch_reference(log: Path, *, workers: int = 2, **variables: str) -> Server:
    """Starts the Flask service under Gunicorn, as the guide does; `wait_for` it."""
    port = str(free_port())
    environ = environment(**({"FLASK_ENV": "testing"} | variables | {"PORT": port}))
    command = [
        *(sys.executable, "-m", "gunicorn"),
        *("--bind", f"127.0.0.1:{port}", "--workers", str(workers), *GUIDE_FLAGS),
        *("--error-logfile", str(log), "--access-logfile", str(log.with_suffix(".access"))),
        # Not on the guide: a file in the home directory, which all servers here would share.
        "--no-control-socket",
        "tests.contract.reference.run:app",
    ]
    process = subprocess.Popen(
        command,
        cwd=ROOT,
        env=environ,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    return Server(process, f"http://127.0.0.1:{port}", log, environ)


def wait_for(server: Server) -> Server:
    """The server, once it accepts requests."""

    def accepts() -> bool:
        if server.process.poll() is not None:
            raise AssertionError(f"it did not start:\n{server.log.read_text()}")
        with suppress(httpx.TransportError):
            # A path nobody routes: the answer does not depend on the database.
            httpx.get(f"{server.url}/started", timeout=2)
            return True
        return False

    try:
        wait_until(accepts, "the server", START_LIMIT)
    except BaseException:
        server.kill()
        raise
    return server


def start_reference(log: Path, *, workers: int = 2, **variables: str) -> Server:
    """The Flask service under Gunicorn, once it answers."""
    return wait_for(launch_reference(log, workers=workers, **variables))


def start_here(log: Path, **variables: str) -> Server:
    """This service, once it answers."""
    service = start_service(log, **variables)
    return Server(service.process, service.url, service.log, service.environ)


@dataclass(repr=False)
class Side:
    """One of the two services, as a client and an operator see it."""

    name: SideName
    server: Server
    pair: Pair

    def __repr__(self) -> str:
        return f"<{self.name} at {self.url}>"

    @property
    def url(self) -> str:
        """Where it answers."""
        return self.server.url

    @property
    def other(self) -> Side:
        """The service beside this one, on the same database."""
        return self.pair.here if self.name == "flask" else self.pair.flask

    @cached_property
    def http(self) -> httpx.Client:
        """A client that keeps no cookies: each request says all that it carries."""
        client = self.browser()
        client.event_hooks = {"response": [lambda _: client.cookies.clear()]}
        return client

    def browser(self) -> httpx.Client:
        """A client with a cookie jar of its own."""
        # Gunicorn, with the guide's --keep-alive, closes what lies idle for 5 s: whoever uses a
        # connection at that very moment loses the request.
        limits = httpx.Limits(keepalive_expiry=2)
        return httpx.Client(base_url=self.url, timeout=10, limits=limits)

    def request(self, method: str, path: str, **options: Any) -> httpx.Response:
        """The answer to a request with what `options` says, and no credentials of its own."""
        return self.http.request(method, path, **options)

    def get(self, path: str, **options: Any) -> httpx.Response:
        """As `request`."""
        return self.http.get(path, **options)

    def post(self, path: str, **options: Any) -> httpx.Response:
        """As `request`."""
        return self.http.post(path, **options)

    def lines(self, **expected: Any) -> list[dict[str, Any]]:
        """The JSON lines of its log that carry these values."""
        lines = map(parsed, self.server.log.read_bytes().splitlines())
        return [line for line in lines if line and expected.items() <= line.items()]

    def line(self, **expected: Any) -> dict[str, Any]:
        """The first such line, waited for."""
        found: list[dict[str, Any]] = wait_until(
            lambda: self.lines(**expected), f"a log line with {expected}"
        )
        return found[0]

    @contextmanager
    def again(self, **variables: str) -> Iterator[Side]:
        """This side once more, with other variables; an empty one is as good as none."""
        environ = self.pair.variables | variables
        log = self.pair.folder / f"{self.name}-{uuid4().hex[:8]}.log"
        if self.name == "flask":
            server = start_reference(log, workers=1, **environ)
        else:
            server = start_here(log, **environ)
        side = Side(self.name, server, self.pair)
        try:
            yield side
        finally:
            side.http.close()
            server.kill()

    def refused(self, **variables: str) -> subprocess.CompletedProcess[str]:
        """What this service says as it refuses to start with these variables."""
        return subprocess.run(
            [sys.executable, "-m", "service"],
            cwd=ROOT,
            env=self.server.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )

    def command(self, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
        """`flask …` on one side, `quart …` on the other."""
        programs = Path(sys.executable).parent
        flask = (programs / "flask", "--app", "tests.contract.reference.run")
        return subprocess.run(
            [*(flask if self.name == "flask" else (programs / "quart",)), *arguments],
            cwd=ROOT,
            env=self.server.environ | variables,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )


def parsed(line: bytes) -> dict[str, Any] | None:
    """The object on the line, or None: Gunicorn's own lines on the stream are not JSON."""
    try:
        value = json.loads(line)
    except ValueError:
        return None
    return value if isinstance(value, dict) else None


@dataclass(repr=False)
class Pair:
    """Both sides, on one database, with the same variables."""

    database: str
    variables: dict[str, str]
    folder: Path
    flask: Side = field(init=False)
    here: Side = field(init=False)

    def side(self, name: SideName) -> Side:
        """The side of that name."""
        return self.flask if name == "flask" else self.here

    def query(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """The rows of one statement on the database of both."""
        return query(self.database, statement, *values)

    def stop(self) -> None:
        """Ends both."""
        for side in (self.flask, self.here):
            side.http.close()
            side.server.kill()


def start_pair(database: str, folder: Path, **variables: str) -> Pair:
    """Both sides, once both answer. They start at the same time."""
    folder.mkdir(parents=True, exist_ok=True)
    pair = Pair(database, {"DATABASE_URL": database, **SECRETS, **variables}, folder)
    reference = launch_reference(folder / "flask.log", **pair.variables)
    try:
        here = start_here(folder / "here.log", **pair.variables)
    except BaseException:
        reference.kill()
        raise
    pair.here, pair.flask = Side("here", here, pair), Side("flask", reference, pair)
    try:
        wait_for(reference)
    except BaseException:
        here.kill()
        raise
    return pair
