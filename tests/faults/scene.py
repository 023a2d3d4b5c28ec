"""The service as in production, on a PostgreSQL and a Valkey of its own, and the load on it."""

import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import msgspec
import psutil

from tests.faults.outcomes import Outcome, Outcomes
from tests.faults.postgres import Postgres, postgres
from tests.service.support import GUNICORN, PASSWORD, Service, start_service
from tests.support import ROOT, free_port, wait_until
from tests.valkey import Valkey

FACTORY = "tests.faults.application:create_app()"
SINGLE = ("-m", "tests.faults.single")
START_LIMIT = 30.0
STOP_LIMIT = 45.0
TRACEBACK = "Traceback (most recent call last)"


@dataclass
class Server:
    """The running service. `log`: its LOG_FILE; standard output goes elsewhere."""

    service: Service
    log: Path
    processes: list[psutil.Process] = field(default_factory=list)
    _read: int = 0
    _listening: set[int] = field(default_factory=set)

    @property
    def port(self) -> int:
        """Where it listens."""
        return int(self.service.environ["PORT"])

    @property
    def main(self) -> psutil.Process:
        """The arbiter, or the only process."""
        return psutil.Process(self.service.process.pid)

    def lines(self) -> list[dict[str, Any]]:
        """The log so far, but for a line that is being written."""
        whole = self.log.read_bytes().rpartition(b"\n")[0]
        return [json.loads(line) for line in whole.splitlines()]

    def workers(self) -> list[psutil.Process]:
        """Those that have said that they listen and are still there, the oldest first."""
        with self.service.log.open("rb") as output:
            output.seek(self._read)
            whole = output.read().rpartition(b"\n")
        self._read += len(whole[0]) + len(whole[1])
        self._listening |= {
            int(json.loads(line)["pid"])
            for line in whole[0].splitlines()
            if b'"event":"listening on' in line
        }
        alive = [each for each in self.main.children() if each.is_running()]
        serving = [each for each in alive if each.pid in self._listening]
        return sorted(serving, key=lambda each: each.create_time())

    def all_ready(self, gone: Sequence[psutil.Process] = (), limit: float = START_LIMIT) -> float:
        """When two workers are ready and none of those that must be `gone` is left, monotonic."""

        def settled() -> bool:
            found = self.workers()
            return len(found) == 2 and not set(found) & set(gone)

        wait_until(settled, "two workers", limit)
        return time.monotonic()

    def send(self, signum: int) -> float:
        """The signal, and when it was sent, monotonic."""
        self.service.process.send_signal(signum)
        return time.monotonic()

    def stop(self) -> int:
        """The exit code after SIGTERM."""
        self.send(signal.SIGTERM)
        return self.service.process.wait(STOP_LIMIT)

    def end(self) -> None:
        """Leaves nothing behind, whatever became of it."""
        process = self.service.process
        with suppress(psutil.NoSuchProcess):
            self.processes += self.main.children(recursive=True)
        if process.poll() is None:
            process.terminate()
            with suppress(subprocess.TimeoutExpired):
                process.wait(10)
        process.kill()
        process.wait(10)
        for each in self.processes:
            with suppress(psutil.NoSuchProcess):
                each.kill()

    def tracebacks(self) -> int:
        """Log lines with an exception in them."""
        shown = self.service.log.read_text(errors="replace").count(TRACEBACK)
        return shown + sum("exception" in line for line in self.lines())


@contextmanager
def bad_clients(server: Server, count: int) -> Iterator[None]:
    """They run during the block."""
    command = [sys.executable, "-m", "tests.faults.bad", str(server.port), str(count)]
    process = subprocess.Popen(command, cwd=ROOT, stdin=subprocess.DEVNULL)
    try:
        yield
    finally:
        assert process.poll() is None, "the bad clients have given up"
        process.terminate()
        process.wait(20)


def ports_of(process: psutil.Process) -> set[int]:
    """The clients' ports of the connections the process holds."""
    return {each.raddr.port for each in process.net_connections("tcp") if each.raddr}


def unshared(process: psutil.Process) -> float:
    """The memory that is the process's alone, in MB."""
    return float(process.memory_full_info().uss) / 1e6


class Load:
    """The clients, in a process of their own. `run`: what they call those they create."""

    def __init__(self, port: int, token: str, folder: Path, **more: Any) -> None:
        self.run = f"u{uuid4().hex[:8]}"
        self._file = folder / f"{self.run}.jsonl"
        self._read = 0
        self._found: list[Outcome] = []
        plan = {"port": port, "token": token, "run": self.run} | more
        with self._file.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "tests.faults.load"],
                cwd=ROOT,
                stdin=subprocess.PIPE,
                stdout=output,
            )
        assert self.process.stdin
        self.process.stdin.write(msgspec.json.encode(plan) + b"\n")
        self.process.stdin.close()

    def outcomes(self) -> Outcomes:
        """Those so far."""
        return Outcomes(self._update())

    def fresh(self) -> Outcomes:
        """Those since the last call, which are then forgotten."""
        found = Outcomes(self._update())
        self._found = []
        return found

    def _update(self) -> list[Outcome]:
        decode = msgspec.json.Decoder(Outcome).decode
        with self._file.open("rb") as file:
            file.seek(self._read)
            whole = file.read().rpartition(b"\n")
        if whole[1]:
            self._read += len(whole[0]) + 1
            self._found += [decode(line) for line in whole[0].split(b"\n")]
        return self._found

    def more(self, count: int = 300) -> None:
        """Waits for so many successes more."""

        def good() -> int:
            return sum(each.good for each in self._update())

        goal = good() + count
        wait_until(lambda: self.process.poll() is not None or good() >= goal, "the load", 60)
        assert self.process.poll() is None, "the load has ended"

    def end(self) -> Outcomes:
        """All there were; every request has ended."""
        self.process.terminate()
        assert self.process.wait(60) == 0
        return self.outcomes()


@dataclass
class Scene:
    """What the service stands on."""

    folder: Path
    postgres: Postgres
    valkey: Valkey
    token: str = ""

    def variables(self) -> dict[str, str]:
        """The environment of production, but for the cost of a password: hashing is not tried."""
        return {
            "FLASK_ENV": "production",
            "FLASK_HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "2",
            "SECRET_KEY": "3f9a1c5e7b2d4860" * 4,
            "JWT_SECRET_KEY": "9e8d7c6b5a413f20" * 4,
            "JWT_ACCESS_TOKEN_EXPIRES": "86400",
            "DATABASE_URL": self.postgres.url,
            "CORS_ORIGINS": "https://app.example.com",
            "RATELIMIT_STORAGE_URI": self.valkey.url,
            "RATELIMIT_LOGIN": "1000000 per minute",
            "RATELIMIT_REGISTER": "1000000 per minute",
            "PASSWORD_SCHEME": "pbkdf2:sha256:1",
        }

    @contextmanager
    def server(
        self, command: tuple[str, ...] | None = None, folder: Path | None = None, **more: str
    ) -> Iterator[Server]:
        """The service; Gunicorn with two workers, if nothing else is said."""
        folder = folder or self.folder / secrets.token_hex(4)
        (folder / "metrics").mkdir(parents=True, exist_ok=True)
        log = folder / "service.jsonl"
        variables = self.variables() | {"LOG_FILE": str(log)} | more
        if command is None:
            command = (*GUNICORN, FACTORY)
            variables["PROMETHEUS_MULTIPROC_DIR"] = str(folder / "metrics")
        variables.setdefault("PORT", str(free_port()))
        running = Server(start_service(folder / "stdout", command, **variables), log)
        try:
            if command != SINGLE:
                running.all_ready()
                running.processes += running.workers()
            self.token = self.token or self._administrator(running)
            yield running
        finally:
            running.end()

    def _administrator(self, running: Server) -> str:
        url = running.service.url
        body = {"email": "admin@example.com", "password": PASSWORD}
        answer = httpx.post(f"{url}/api/v1/auth/register", json=body, timeout=10)
        assert answer.status_code in {201, 409}, answer.text
        with self.postgres.connection() as connection:
            connection.execute("UPDATE users SET role = 'admin' WHERE email = %s", [body["email"]])
        return self.fresh_token(url)

    def fresh_token(self, url: str) -> str:
        """The administrator's access token, minted now."""
        body = {"email": "admin@example.com", "password": PASSWORD}
        answer = httpx.post(f"{url}/api/v1/auth/login", json=body, timeout=10)
        assert answer.status_code == 200, answer.text
        token: str = answer.json()["access_token"]
        return token

    @contextmanager
    def load(self, running: Server, *, warm: int = 300, **more: Any) -> Iterator[Load]:
        """Runs during the block, and has had so many successes before it."""
        clients = Load(running.port, more.pop("token", self.token), self.folder, **more)
        try:
            # What the clients log in as.
            self._add(clients.run)
            clients.more(warm)
            yield clients
        finally:
            if clients.process.poll() is None:
                clients.process.kill()
            clients.process.wait(10)

    def _add(self, run: str) -> None:
        with self.postgres.connection() as connection:
            connection.execute(
                "INSERT INTO users (email, password_hash) SELECT %s, password_hash FROM users "
                "WHERE email = 'admin@example.com'",
                [f"{run}@example.com"],
            )

    def missing(self, found: Outcomes, run: str) -> set[str]:
        """Creates that were acknowledged, and are not in the table."""
        return found.acknowledged() - self.postgres.users(run)

    def halves(self) -> int:
        """Creates without their idempotency key, or keys without their create: each of them is one
        transaction."""
        with self.postgres.connection() as connection:
            found = connection.execute(
                r"SELECT (SELECT count(*) FROM users WHERE email ~ '^u[0-9a-f]{8}-') - "
                "(SELECT count(*) FROM idempotency_keys)"
            ).fetchone()
        assert found
        return abs(int(found[0]))


@contextmanager
def scene(folder: Path) -> Iterator[Scene]:
    """It, stopped at the end of the block."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(folder / "postgres"))
        valkey = Valkey()
        stack.callback(valkey.kill)
        yield Scene(folder, database, valkey)


def pause(seconds: float) -> None:
    """How long a fault lasts, or a load is watched: not a wait for something to happen."""
    time.sleep(seconds)


def exists(pid: int) -> bool:
    """Whether there is such a process."""
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True
