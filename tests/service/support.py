"""A real service process on a real port, and people who use it over HTTP."""

import json
import signal
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx

from tests.support import ROOT, environment, free_port, wait_until

START_LIMIT = 30.0


@dataclass
class Service:
    """A running `python -m service`. `log` is what it writes to standard output, as JSON."""

    process: subprocess.Popen[bytes]
    url: str
    log: Path
    environ: dict[str, str]

    def lines(self, **expected: Any) -> list[dict[str, Any]]:
        """The log lines that carry these values."""
        lines = [json.loads(line) for line in self.log.read_bytes().splitlines()]
        return [line for line in lines if expected.items() <= line.items()]

    def line(self, **expected: Any) -> dict[str, Any]:
        """The first such line, waited for."""
        found: list[dict[str, Any]] = wait_until(
            lambda: self.lines(**expected), f"a log line with {expected}"
        )
        return found[0]

    def stop(self, signum: int = signal.SIGTERM) -> int:
        """The exit code after the signal."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
        return self.process.wait(30)


def answers(url: str) -> bool:
    """Whether an HTTP server answers there."""
    try:
        httpx.get(f"{url}/health/live", timeout=2)
    except httpx.TransportError:
        return False
    return True


SERVICE = ("-m", "service")
GUNICORN = ("-m", "gunicorn", "-c", "deploy/gunicorn.conf.py")


def start_service(log: Path, command: tuple[str, ...] = SERVICE, **variables: str) -> Service:
    """Starts the service with these variables and waits until it answers."""
    port = variables.get("PORT") or str(free_port())
    settings = {"FLASK_ENV": "testing", "PORT": port, "LOG_FORMAT": "json"} | variables
    environ = environment(**settings)
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    service = Service(process, f"http://127.0.0.1:{port}", log, environ)
    try:
        wait_until(
            lambda: process.poll() is not None or answers(service.url), "the service", START_LIMIT
        )
        assert process.poll() is None, log.read_text()
    except BaseException:
        process.kill()
        process.wait(10)
        raise
    return service


@dataclass
class Account:
    """Somebody who is registered and logged in."""

    id: int
    email: str
    password: str
    tokens: dict[str, Any]
    http: httpx.Client


PASSWORD = "correct horse battery"


def log_in(url: str, email: str, password: str = PASSWORD) -> Account:
    """The account, by a login over HTTP."""
    http = httpx.Client(base_url=url, timeout=10)
    answer = http.post("/api/v1/auth/login", json={"email": email, "password": password})
    assert answer.status_code == 200, answer.text
    tokens = answer.json()
    http.headers["Authorization"] = f"Bearer {tokens['access_token']}"
    user_id = http.get("/api/v1/auth/me").json()["id"]
    return Account(user_id, email, password, tokens, http)


def register(url: str, **more: Any) -> Account:
    """A new user, registered and logged in over HTTP."""
    email = f"{uuid4().hex[:12]}@example.com"
    body = {"email": email, "password": PASSWORD, **more}
    answer = httpx.post(f"{url}/api/v1/auth/register", json=body, timeout=10)
    assert answer.status_code == 201, answer.text
    return log_in(url, email)


def quart(service: Service, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """The `quart` command on the service's database."""
    return subprocess.run(
        [Path(sys.executable).parent / "quart", *arguments],
        cwd=ROOT,
        env={**service.environ, **variables},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
