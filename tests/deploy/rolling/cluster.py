"""Three processes of the service behind nginx with TLS, on PgBouncer, PostgreSQL and Valkey: all
real, on the shipped files, on one machine."""

import secrets
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx

from tests.deploy.nginx.site import Change, Site, nginx, servers
from tests.deploy.pgbouncer.bouncer import Postgres, pgbouncer, postgres
from tests.service.support import Service, start_service
from tests.support import free_port, wait_until
from tests.valkey import Valkey

PROCESSES = 3
STOP_LIMIT = 40.0
START_LIMIT = 30.0
# The load comes from one address, and is no flood.
LIMITS = (
    Change("http.conf", "rate=50r/s", "rate=5000r/s"),
    Change("http.conf", "rate=1r/s", "rate=5000r/s"),
    Change("clients.conf", "zone=credentials burst=10", "zone=credentials burst=100"),
)


@dataclass
class Cluster:
    """What runs. `logs`: every process there was."""

    site: Site
    database: Postgres
    services: list[Service]
    logs: list[Path]

    def stop(self, at: int) -> int:
        """The exit code of that process after SIGTERM."""
        process = self.services[at].process
        process.terminate()
        return process.wait(STOP_LIMIT)

    def kill(self, at: int) -> None:
        """Ends it in the middle of whatever it does."""
        self.services[at].process.send_signal(signal.SIGKILL)
        self.services[at].process.wait(10)

    def start(self, at: int) -> None:
        """Starts it again at the same port, and waits until it is ready."""
        old = self.services[at]
        log = old.log.with_name(f"service-{at}-{len(self.logs)}.log")
        self.logs.append(log)
        self.services[at] = start_service(log, **old.environ)
        wait_until(lambda: ready(old.url), "a process that is ready", START_LIMIT)


def ready(url: str) -> bool:
    """Whether the process wants requests."""
    return httpx.get(f"{url}/health/ready", timeout=5).status_code == 200


@contextmanager
def cluster(folder: Path) -> Iterator[Cluster]:
    """All of it, stopped at the end of the block."""
    with ExitStack() as stack:
        database = stack.enter_context(postgres(folder / "postgres"))
        bouncer = stack.enter_context(pgbouncer(folder / "pgbouncer", database))
        valkey = Valkey()
        stack.callback(valkey.kill)
        variables = {
            "FLASK_ENV": "production",
            "FLASK_HOST": "127.0.0.1",
            "WEB_CONCURRENCY": "1",
            "SECRET_KEY": secrets.token_hex(32),
            "JWT_SECRET_KEY": secrets.token_hex(32),
            "DATABASE_URL": bouncer.url,
            "DATABASE_POOLER": "pgbouncer",
            "CORS_ORIGINS": "https://app.example.com",
            "RATELIMIT_STORAGE_URI": valkey.url,
            "RATELIMIT_LOGIN": "1000000 per minute",
            "RATELIMIT_REGISTER": "1000000 per minute",
            "FORWARDED_ALLOW_IPS": "127.0.0.1",
            # Hashing is not what is tried here.
            "PASSWORD_SCHEME": "pbkdf2:sha256:1",
        }
        logs = [folder / f"service-{at}.log" for at in range(PROCESSES)]
        services = [start_service(log, PORT=str(free_port()), **variables) for log in logs]
        addresses = [each.url.removeprefix("http://") for each in services]
        site = stack.enter_context(nginx(folder / "nginx", servers(*addresses), *LIMITS))
        running = Cluster(site, database, services, logs)
        try:
            yield running
        finally:
            for each in running.services:
                each.process.terminate()
            for each in running.services:
                each.process.wait(STOP_LIMIT)
