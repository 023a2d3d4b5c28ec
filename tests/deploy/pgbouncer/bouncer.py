"""The real PgBouncer on the shipped file, before a PostgreSQL that asks for a password."""

import os
import pwd
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import quote

from service.database import embedded
from tests.debian import debian_tool
from tests.support import ROOT, alembic, execute, free_port, wait_until

FILE = ROOT / "deploy" / "pgbouncer" / "pgbouncer.ini"
ROLE = "shop"


@dataclass(frozen=True)
class Postgres:
    """`host`: the folder of its socket. `superuser`: the URL of its owner."""

    host: str
    superuser: str
    password: str

    @property
    def url(self) -> str:
        """Straight to it, as the service's role."""
        return f"postgresql://{ROLE}:{self.password}@/{ROLE}?host={quote(self.host, safe='/')}"


@contextmanager
def postgres(folder: Path) -> Iterator[Postgres]:
    """A PostgreSQL with the service's role and its database, migrated."""
    password = secrets.token_hex(16)
    hba = folder.with_suffix(".hba")
    hba.write_text("local all postgres trust\nlocal all all scram-sha-256\n")
    with embedded.start(folder, durable=False, settings={"hba_file": str(hba)}) as server:
        running = Postgres(server.url.rpartition("host=")[2], server.url, password)
        execute(
            server.url,
            f"CREATE ROLE {ROLE} LOGIN PASSWORD '{password}'",
            f"CREATE DATABASE {ROLE} OWNER {ROLE}",
        )
        done = alembic(running.url, "upgrade", "head")
        assert done.returncode == 0, done.stderr
        yield running


@dataclass
class Bouncer:
    """A running PgBouncer, which a test may stop and start again at the same address."""

    folder: Path
    database: Postgres
    port: int = field(default_factory=free_port)

    @property
    def url(self) -> str:
        """Through it, as the service's role."""
        return f"postgresql://{ROLE}:{self.database.password}@127.0.0.1:{self.port}/{ROLE}"

    @property
    def log(self) -> str:
        """What it has said."""
        return (self.folder / "log").read_text()

    def start(self) -> None:
        """Starts it, and waits until it accepts."""
        tool = debian_tool("pgbouncer")
        command = [tool.path, str(self.folder / "pgbouncer.ini")]
        if os.geteuid() == 0:  # it refuses to be root
            command = [*as_nobody(), *command]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=tool.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )

        def accepts() -> bool:
            assert self._process.poll() is None, self.log
            with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=5):
                return True
            return False

        wait_until(accepts, "PgBouncer")

    def stop(self) -> None:
        """Ends it at once, and every connection with it."""
        self._process.terminate()
        self._process.wait(10)


@contextmanager
def pgbouncer(
    folder: Path, database: Postgres, secret: str = "", **settings: object
) -> Iterator[Bouncer]:
    """A PgBouncer on the shipped file, with other settings. `secret`: what userlist.txt has in
    place of the password."""
    folder.mkdir(parents=True, exist_ok=True)
    bouncer = Bouncer(folder, database)
    text = FILE.read_text()
    changes = {
        "host=db.example.com port=5432": f"host={database.host} port=5432",
        "listen_port = 6432": f"listen_port = {bouncer.port}",
        "unix_socket_dir = /var/run/postgresql": "unix_socket_dir =",
        "/var/run/postgresql/pgbouncer.pid": str(folder / "pid"),
        "/etc/pgbouncer/userlist.txt": str(folder / "userlist.txt"),
    }
    for old, new in changes.items():
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    for name, value in settings.items():
        [line] = [each for each in text.splitlines() if each.startswith(f"{name} =")]
        text = text.replace(line, f"{name} = {value}")
    (folder / "pgbouncer.ini").write_text(text)
    (folder / "userlist.txt").write_text(f'"{ROLE}" "{secret or database.password}"\n')
    bouncer.start()
    try:
        yield bouncer
    finally:
        bouncer.stop()


def as_nobody() -> list[str]:
    # The folders on the way are the test's own: this capability passes them.
    user = pwd.getpwnam("nobody")
    return [
        "setpriv",
        f"--reuid={user.pw_uid}",
        f"--regid={user.pw_gid}",
        "--clear-groups",
        "--inh-caps=-all,+dac_override",
        "--ambient-caps=-all,+dac_override",
        "--securebits=+no_setuid_fixup",
        "--no-new-privs",
        "--pdeathsig=TERM",
    ]
