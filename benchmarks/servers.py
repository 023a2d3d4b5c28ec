"""The servers that are compared, and how each is started: as it is in production, request log on,
rate limits off, passwords hashed at next to no cost, all on one database."""

import http.client
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from benchmarks import processes
from benchmarks.cases import ServerName

ROOT = Path(__file__).parents[1]
START_LIMIT = 60.0
STOP_LIMIT = 40.0

SECRET_KEY = "5e1c0a7d94b8f3261f0d9b7ac35e8842d63f90b17ce24a58be0517f3a9c6d284"
JWT_SECRET_KEY = "c97b12f04e6a8d35b0e4f7a1d2689c3e58f1d40b6a7e92c3f05d8b164ea7c290"
ORIGIN = "https://app.example.com"

VARIABLES: Mapping[str, str] = {
    "FLASK_ENV": "production",
    "FLASK_HOST": "127.0.0.1",
    "SECRET_KEY": SECRET_KEY,
    "JWT_SECRET_KEY": JWT_SECRET_KEY,
    "CORS_ORIGINS": ORIGIN,
    # Flask-CORS names an origin to whoever asks, unless told not to; the others never do.
    "FLASK_CORS_ALWAYS_SEND": "false",
    "RATELIMIT_ENABLED": "0",
    "PASSWORD_SCHEME": "pbkdf2:sha256:1",
}
KEPT = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV")
"""Of this process's own variables: nothing that would configure a server."""


@dataclass(frozen=True)
class Server:
    """`command`: Python's arguments, for a port and a folder for logs. `shipped`: those for what is
    started in production, where the command under load has a route more."""

    title: str
    command: Callable[[int, Path], list[str]]
    shipped: Callable[[int, Path], list[str]] | None = None


def here(_port: int, _folder: Path) -> list[str]:
    """This service and the slow route."""
    return ["-m", "benchmarks.peers.here"]


def here_as_shipped(_port: int, _folder: Path) -> list[str]:
    """This service."""
    return ["-m", "service"]


def bare(port: int, _folder: Path) -> list[str]:
    """Hypercorn's own command line, with uvloop."""
    bind = f"127.0.0.1:{port}"
    return ["-m", "hypercorn", "--bind", bind, "-k", "uvloop", "benchmarks.bare:app"]


def flask(port: int, folder: Path) -> list[str]:
    """Gunicorn with the flags of the guide to Flask in production."""
    return [
        *("-m", "gunicorn", "--bind", f"127.0.0.1:{port}", "--workers", "4", "--threads", "2"),
        *("--timeout", "30", "--keep-alive", "5", "--capture-output"),
        *("--error-logfile", str(folder / "error.log")),
        *("--access-logfile", str(folder / "access.log")),
        # Not on the guide: a file in the home directory, which all servers here would share.
        *("--no-control-socket", "benchmarks.peers.flask_app:app"),
    ]


def fastapi(port: int, _folder: Path) -> list[str]:
    """Uvicorn at its fastest; the application logs requests itself."""
    return [
        *("-m", "uvicorn", "--host", "127.0.0.1", "--port", str(port), "--no-access-log"),
        *("--loop", "uvloop", "--http", "httptools", "benchmarks.peers.fastapi_app:app"),
    ]


SERVERS: Mapping[ServerName, Server] = {
    "here": Server("This service", here, here_as_shipped),
    "bare": Server("Bare ASGI on Hypercorn", bare),
    "flask": Server("Flask + Gunicorn", flask),
    "fastapi": Server("FastAPI + Uvicorn", fastapi),
}


@dataclass(frozen=True)
class Running:
    """A server that answers. `start_seconds`: from its start to its first answer."""

    pid: int
    port: int
    start_seconds: float

    def cpu_seconds(self) -> float:
        """What its processes have used so far."""
        return processes.cpu_seconds(self.pid)

    def memory(self) -> list[processes.Memory]:
        """What its processes hold."""
        return processes.memory(self.pid)


@contextmanager
def running(
    arguments: Callable[[int, Path], list[str]],
    database: str,
    folder: Path,
    core: int | None,
    *,
    python: str = sys.executable,
) -> Iterator[Running]:
    """Runs the server on that core, with its logs in the folder, once it answers 200. `python`: of
    the installation it runs in."""
    folder.mkdir(parents=True, exist_ok=True)
    port = _free_port()
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    environment = {**kept, **VARIABLES, "DATABASE_URL": database, "PORT": str(port)}
    output = folder / "output.log"
    with output.open("wb") as log, processes.starting_on(core):
        started = time.perf_counter()
        process = subprocess.Popen(
            [python, *arguments(port, folder)],
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        while not _answers(port):
            if process.poll() is not None or time.perf_counter() - started > START_LIMIT:
                raise RuntimeError(f"a server did not start:\n{_told(folder)}")
            time.sleep(0.005)
        yield Running(process.pid, port, time.perf_counter() - started)
    finally:
        _stop(process)


def _stop(process: subprocess.Popen[bytes]) -> None:
    process.send_signal(signal.SIGTERM)
    try:
        process.wait(STOP_LIMIT)
    except subprocess.TimeoutExpired:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(STOP_LIMIT)


def _told(folder: Path) -> str:
    return "\n".join(each.read_text()[-3000:] for each in sorted(folder.glob("*.log")))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/health/live")
        return connection.getresponse().status == 200
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
