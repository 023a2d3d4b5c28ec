"""A PostgreSQL of one's own on a TCP port, which a test may stop, freeze, and start again."""

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import psutil
import psycopg

from service.database import embedded
from tests.support import alembic, free_port, wait_until

ROLE = "shop"
PASSWORD = "8c1d0f7a6b3e49258c1d0f7a"
LIMIT = 30.0
# An immediate stop loses nothing that was acknowledged; a machine that loses its power would.
SETTINGS = {
    "fsync": "off",
    "full_page_writes": "off",
    "unix_socket_directories": "",
    "listen_addresses": "127.0.0.1",
    "max_connections": "200",
    "timezone": "UTC",
}


class Postgres:
    """The server, with the service's role and its migrated database. `url`: as that role."""

    def __init__(self, folder: Path) -> None:
        self.port = free_port()
        self.url = f"postgresql://{ROLE}:{PASSWORD}@127.0.0.1:{self.port}/{ROLE}"
        self._folder = folder
        self._data = folder / "data"
        with embedded.start(folder, durable=False):
            pass  # it makes the cluster
        self._hba = folder.with_suffix(".hba")
        host = "127.0.0.1/32"
        self._hba.write_text(f"host all postgres {host} trust\nhost all all {host} scram-sha-256\n")

    def prepare(self) -> None:
        """The role, its database and the schema."""
        with self.connection("postgres") as connection:
            connection.execute(f"CREATE ROLE {ROLE} LOGIN PASSWORD '{PASSWORD}'")
            connection.execute(f"CREATE DATABASE {ROLE} OWNER {ROLE}")
        done = alembic(self.url, "upgrade", "head")
        assert done.returncode == 0, done.stderr

    def connection(self, database: str = ROLE) -> psycopg.Connection:
        """The superuser's, in autocommit."""
        url = f"postgresql://postgres@127.0.0.1:{self.port}/{database}"
        return psycopg.connect(url, autocommit=True, connect_timeout=10)

    def start(self) -> float:
        """Starts it; returns when it accepts, and since when it does, monotonic."""
        settings = {**SETTINGS, "port": str(self.port), "hba_file": str(self._hba)}
        options = [part for each in settings.items() for part in ("-c", "=".join(each))]
        owner = embedded.as_owner(self._data) if os.geteuid() == 0 else []
        program = str(embedded.programs() / "postgres")
        (self._data / "postmaster.pid").unlink(missing_ok=True)
        with (self._folder / "faults.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*owner, program, "-D", str(self._data), *options],
                env={"PATH": os.environ["PATH"], "LC_ALL": "C"},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + LIMIT
        while not self._is_ready():
            assert self._process.poll() is None, (self._folder / "faults.log").read_text()
            assert time.monotonic() < deadline, "PostgreSQL does not start"
            time.sleep(0.002)
        return time.monotonic()

    def _is_ready(self) -> bool:
        with suppress(OSError, IndexError):
            return (self._data / "postmaster.pid").read_text().split("\n")[7].strip() == "ready"
        return False

    def stop(self, signum: int = signal.SIGQUIT) -> None:
        """An immediate shutdown, if nothing else is said."""
        if self._process.poll() is None:
            self._process.send_signal(signum)
        self._process.wait(LIMIT)

    @contextmanager
    def frozen(self) -> Iterator[None]:
        """Every process of it is stopped during the block: it accepts and says nothing."""
        server = psutil.Process(self._process.pid)
        server.suspend()
        children = server.children(recursive=True)
        for each in children:
            each.suspend()
        try:
            yield
        finally:
            for each in [*children, server]:
                with suppress(psutil.NoSuchProcess):
                    each.resume()

    def terminate_backends(self) -> int:
        """Ends every connection of the service; how many there were."""
        with self.connection() as connection:
            ended = connection.execute(
                "SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE usename = %s",
                [ROLE],
            ).fetchone()
        assert ended
        return int(ended[0])

    def users(self, run: str) -> set[str]:
        """Whom the load of that name has created."""
        with self.connection() as connection:
            found = connection.execute(
                "SELECT email FROM users WHERE email LIKE %s", [f"{run}-%"]
            ).fetchall()
        return {email.partition("@")[0] for (email,) in found}

    def connections(self) -> int:
        """How many the service has."""
        with self.connection() as connection:
            found = connection.execute(
                "SELECT count(*) FROM pg_stat_activity WHERE usename = %s", [ROLE]
            ).fetchone()
        assert found
        return int(found[0])

    def wait_for_none(self) -> None:
        """Until nobody is connected as the service."""
        wait_until(lambda: self.connections() == 0, "an unused PostgreSQL")


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """It, stopped at the end of the block."""
    server = Postgres(folder)
    server.start()
    try:
        server.prepare()
        yield server
    finally:
        server.stop()
