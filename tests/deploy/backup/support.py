"""The backup command as an operator runs it, and the places it writes to."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import httpx
from pyrage import x25519

from service.database import embedded
from tests.support import ROOT, environment, free_port, wait_until

PROGRAMS = embedded.programs()
COMMAND = (sys.executable, "-m", "deploy.backup")
KEYS = ("backup-tests", "not-a-secret-key")


@dataclass(frozen=True)
class Result:
    """What a command came to."""

    code: int
    out: str
    err: str

    @property
    def log(self) -> list[dict[str, Any]]:
        """Its log lines."""
        return [json.loads(line) for line in self.err.splitlines()]


@dataclass(frozen=True)
class Operator:
    """Somebody with these variables. `files` is the folder in which the store's files are."""

    folder: Path
    files: Path
    variables: dict[str, str]

    def environ(self, **more: str) -> dict[str, str]:
        """What a command starts with."""
        return environment(**self.variables | more)

    def __call__(self, *arguments: str, **more: str) -> Result:
        done = subprocess.run(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.environ(**more),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        return Result(done.returncode, done.stdout, done.stderr)

    def start(self, *arguments: str, **more: str) -> subprocess.Popen[str]:
        """The command, running."""
        return subprocess.Popen(
            [*COMMAND, *arguments],
            cwd=ROOT,
            env=self.environ(**more),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def succeeds(self, *arguments: str, **more: str) -> Result:
        """The result, which is a success."""
        result = self(*arguments, **more)
        assert result.code == 0, result.out + result.err
        return result

    def report(self) -> dict[str, Any]:
        """BACKUP_REPORT."""
        return json.loads((self.folder / "report.json").read_text())

    def listed(self) -> list[dict[str, Any]]:
        """The backups, the oldest first."""
        return json.loads(self.succeeds("list", "--json").out)


S3 = tuple[Path, dict[str, str]]
"""The folder of an S3 server's buckets, and the variables that lead there."""


def operator_for(url: str, folder: Path, s3: S3 | None = None, *, sealed: bool = False) -> Operator:
    """An operator of this database, with a store in the folder or a bucket of its own."""
    variables = {
        "DATABASE_URL": url,
        "BACKUP_PG_BIN": str(PROGRAMS),
        "BACKUP_REPORT": str(folder / "report.json"),
        "TMPDIR": str(folder),
    }
    if s3:
        buckets, leading = s3
        bucket = f"bucket-{uuid4().hex[:8]}"
        (buckets / bucket).mkdir()
        files = buckets / bucket / "shop"
        variables |= leading | {"BACKUP_STORE": f"s3://{bucket}/shop"}
    else:
        files = folder / "store"
        variables["BACKUP_STORE"] = str(files)
    if sealed:
        key = x25519.Identity.generate()
        (folder / "identity").write_text(f"# the key of a test\n{key}\n")
        variables["BACKUP_AGE_RECIPIENT"] = str(key.to_public())
        variables["BACKUP_AGE_IDENTITY_FILE"] = str(folder / "identity")
    return Operator(folder, files, variables)


def program(folder: Path, name: str, before: str) -> Path:
    """A folder of PostgreSQL's programs of which one does something else before its work."""
    folder.mkdir()
    for each in ("pg_dump", "pg_restore"):
        (folder / each).symlink_to(PROGRAMS / each)
    (folder / name).unlink()
    script = f"""#!{sys.executable}
import os, sys
REAL = {str(PROGRAMS / name)!r}
if "--version" not in sys.argv:
    sys.path.insert(0, {str(ROOT)!r})
{"".join(f"    {line}{os.linesep}" for line in before.splitlines())}
os.execv(REAL, [REAL, *sys.argv[1:]])
"""
    (folder / name).write_text(script)
    (folder / name).chmod(0o755)
    return folder


async def rows_of(connection: asyncpg.Connection) -> dict[str, list[str]]:
    """Every row of every table, sorted."""
    tables = await connection.fetch(
        "SELECT format('%I.%I', schemaname, tablename) FROM pg_tables"
        " WHERE schemaname NOT IN ('pg_catalog', 'information_schema') ORDER BY 1"
    )
    return {
        name: sorted(repr(tuple(row)) for row in await connection.fetch(f"SELECT * FROM {name}"))
        for (name,) in tables
    }


async def all_rows(url: str) -> dict[str, list[str]]:
    """Every row of a database."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await rows_of(connection)
    finally:
        await connection.close(timeout=10)


async def ask(url: str, query: str) -> Any:
    """One value."""
    connection = await asyncpg.connect(url, timeout=10)
    try:
        return await connection.fetchval(query)
    finally:
        await connection.close(timeout=10)


@contextmanager
def s3_server(folder: Path) -> Iterator[dict[str, str]]:
    """An S3 server whose buckets are the folders in `folder`; yields boto3's variables."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    rclone = Path(sys.executable).parent / "rclone"
    process = subprocess.Popen(
        [
            *(rclone, "serve", "s3", str(folder), "--addr", f"127.0.0.1:{port}"),
            # Tests break files behind its back.
            *("--auth-key", ",".join(KEYS), "--dir-cache-time", "0s"),
            *("--config", os.devnull, "--no-cleanup"),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_until(lambda: process.poll() is not None or _answers(url), "rclone serve s3")
        assert process.poll() is None
        yield {
            "AWS_ENDPOINT_URL": url,
            "AWS_ACCESS_KEY_ID": KEYS[0],
            "AWS_SECRET_ACCESS_KEY": KEYS[1],
            "AWS_REGION": "us-east-1",
            "AWS_EC2_METADATA_DISABLED": "true",
        }
    finally:
        process.terminate()
        process.wait(10)


def _answers(url: str) -> bool:
    try:
        httpx.get(url, timeout=2)
    except httpx.TransportError:
        return False
    return True
