"""The page on point-in-time recovery is true: a row that was deleted is there as of before."""

import os
import pwd
import secrets
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.debian import debian_tool
from tests.support import ROOT, wait_until

SHIPPED = ROOT / "deploy" / "backup" / "pgbackrest"
# What the packaged pgBackRest knows; the wheel's server may be newer.
SERVERS = sorted(Path("/usr/lib/postgresql").glob("1[0-7]/bin/postgres"))


@dataclass(frozen=True)
class Machine:
    """A PostgreSQL set up as the page says, in a folder of its own."""

    folder: Path
    environ: dict[str, str]

    def run(self, *command: str) -> str:
        """What the command prints, run as the owner of the data."""
        owner = () if os.geteuid() else ("setpriv", f"--reuid={_nobody()}", "--clear-groups")
        # A file: the server that pg_ctl starts would hold a pipe open.
        with (self.folder / "out").open("w") as output:
            done = subprocess.run(
                [*owner, *command],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                timeout=60,
                check=False,
            )
        told = (self.folder / "out").read_text()
        assert done.returncode == 0, told
        return told.strip()

    def sql(self, statement: str) -> str:
        return self.run("psql", "-Atqc", statement)

    def pgbackrest(self, *arguments: str) -> str:
        return self.run("pgbackrest", "--stanza=shop", *arguments)

    def postgres(self, verb: str) -> None:
        self.run("pg_ctl", "-D", "data", "-l", "log/postgres", "-m", "fast", "-w", verb)


def _nobody() -> int:
    return pwd.getpwnam("nobody").pw_uid


@pytest.fixture
def machine() -> Iterator[Machine]:
    """Not in pytest's folder: its path is closed to others, and too long for a socket."""
    if not SERVERS:
        pytest.skip("no PostgreSQL of Debian's on this machine")
    tool = debian_tool("pgbackrest")
    folder = Path(tempfile.mkdtemp(prefix="pitr-", dir="/tmp"))
    for name in ("data", "repo", "log", "run", "conf.d"):
        (folder / name).mkdir(mode=0o700)
    shipped = (SHIPPED / "pgbackrest.conf").read_text()
    for old, new in (
        ("repo1-path=/var/lib/pgbackrest", f"repo1-path={folder}/repo"),
        ("pg1-path=/var/lib/postgresql/17/main", f"pg1-path={folder}/data"),
    ):
        assert shipped.count(f"\n{old}\n") == 1
        shipped = shipped.replace(old, new)
    (folder / "pgbackrest.conf").write_text(shipped)
    (folder / "conf.d" / "secrets.conf").write_text(
        f"[global]\nrepo1-cipher-pass={secrets.token_hex(32)}\nlog-path={folder}/log\n"
        f"spool-path={folder}/run\nlock-path={folder}/run\n"
        f"[shop]\npg1-socket-path={folder}/run\npg1-user=postgres\n"
    )
    if not os.geteuid():
        for path in (folder, *folder.rglob("*")):
            os.chown(path, _nobody(), -1)
    programs = f"{Path(tool.path).parent}:{SERVERS[-1].parent}"
    environ = tool.environ | {
        "PATH": f"{programs}:{os.environ['PATH']}",
        "PGBACKREST_CONFIG": f"{folder}/pgbackrest.conf",
        "PGBACKREST_CONFIG_INCLUDE_PATH": f"{folder}/conf.d",
        "PGHOST": f"{folder}/run",
        "PGUSER": "postgres",
    }
    made = Machine(folder, environ)
    try:
        made.run("initdb", "-U", "postgres", "-D", "data", "--no-sync")
        with (folder / "data" / "postgresql.conf").open("a") as file:
            file.write((SHIPPED / "postgresql.conf").read_text())
            file.write(f"listen_addresses = ''\nunix_socket_directories = '{folder}/run'\n")
        made.postgres("start")
        yield made
    finally:
        with suppress(AssertionError):
            made.postgres("stop")
        shutil.rmtree(folder)


def test_back_to_a_moment(machine: Machine) -> None:
    machine.pgbackrest("stanza-create")
    machine.pgbackrest("check")
    machine.sql("CREATE TABLE orders (id int); INSERT INTO orders VALUES (1)")
    machine.pgbackrest("--type=full", "backup")
    # Backups end in whole seconds, and a moment must come after one.
    made = int(time.time())
    wait_until(lambda: int(time.time()) > made, "the next second")
    machine.sql("INSERT INTO orders VALUES (2)")
    moment = machine.sql("SELECT now()")
    machine.sql("DELETE FROM orders")
    # The check switches to a new segment and waits until the last one is in the repository.
    machine.pgbackrest("check")
    machine.postgres("stop")
    machine.pgbackrest(
        "--delta", "--type=time", f"--target={moment}", "--target-action=promote", "restore"
    )
    machine.postgres("start")
    wait_until(lambda: machine.sql("SELECT pg_is_in_recovery()") == "f", "the recovery", 30)
    assert machine.sql("SELECT array_agg(id) FROM orders") == "{1,2}"
    machine.pgbackrest("verify")
    # Nothing of the rows can be read in the repository.
    assert "cipher: aes-256-cbc" in machine.pgbackrest("info")
