"""TLS to PostgreSQL: what `sslmode` and `sslrootcert` accept is what libpq accepts.

PgBouncer speaks TLS before the embedded PostgreSQL, whose wheel is built without it.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from urllib.parse import parse_qs, urlencode, urlsplit

import psycopg
import pytest

from service.database.engine import Database, DatabaseUnavailable
from service.database.url import DatabaseURLError
from tests.certificates import Authority
from tests.debian import debian_tool
from tests.deploy.pgbouncer.bouncer import as_nobody
from tests.service.support import start_service
from tests.service.web import get
from tests.support import ROOT, alembic, database_name, environment, free_port, wait_until

MODES = (None, "disable", "allow", "prefer", "require", "verify-ca", "verify-full")
PROMISE_NOTHING = (None, "allow", "prefer")
SERVERS = {"plain": None, "right name": "127.0.0.1", "other name": "db.example.org"}
ROOTS = ("authority", "stranger")
INI = """\
[databases]
* = host={host} user=postgres
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = {port}
unix_socket_dir =
auth_type = any
"""
TLS = """\
client_tls_sslmode = require
client_tls_cert_file = {folder}/server.pem
client_tls_key_file = {folder}/server.key
"""


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> tuple[Authority, Path]:
    """Who signs the server's certificates, and the folder of the files that clients name."""
    folder = tmp_path_factory.mktemp("roots")
    (folder / "stranger.pem").write_text(Authority().certificate)
    signs = Authority()
    (folder / "authority.pem").write_text(signs.certificate)
    return signs, folder


@pytest.fixture(scope="module")
def ports(
    postgres: str,
    authority: tuple[Authority, Path],
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[dict[str, int]]:
    """The port of each of SERVERS."""
    tool, started, found = debian_tool("pgbouncer"), [], {}
    (host,) = parse_qs(urlsplit(postgres).query)["host"]
    for name, certified in SERVERS.items():
        folder, port = tmp_path_factory.mktemp("bouncer"), free_port()
        text = INI.format(host=host, port=port)
        if certified:
            issued = authority[0].issue(certified)
            (folder / "server.pem").write_text(issued.certificate)
            (folder / "server.key").write_text(issued.key)
            text += TLS.format(folder=folder)
        (folder / "pgbouncer.ini").write_text(text)
        command = [*(as_nobody() if os.geteuid() == 0 else []), tool.path, "-q", "pgbouncer.ini"]
        with (folder / "log").open("wb") as log:
            started.append(subprocess.Popen(command, cwd=folder, env=tool.environ, stderr=log))
        wait_until(lambda port=port: connects(port), "PgBouncer")
        found[name] = port
    yield found
    for each in started:
        each.kill()
        each.wait(10)


def connects(port: int, **query: str) -> bool:
    """Whether libpq does."""
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres?{urlencode(query)}"
    with suppress(psycopg.OperationalError):
        psycopg.connect(url, connect_timeout=10).close()
        return True
    return False


async def connects_here(port: int, **query: str) -> bool:
    """Whether the service's own engine does."""
    url = f"postgresql://postgres@127.0.0.1:{port}/postgres?{urlencode(query)}"
    # PgBouncer refuses the setting that carries the time limit: see DATABASE_POOLER.
    try:
        database = Database(url, {}, statement_timeout=10, pooler="pgbouncer")
    except DatabaseURLError:
        return False
    try:
        await database.ping(timeout=10)
    except DatabaseUnavailable:
        return False
    else:
        return True
    finally:
        await database.close()


@pytest.mark.parametrize("root", [None, *ROOTS, "system"])
@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("server", SERVERS)
async def test_accepts_what_libpq_accepts(
    *,
    ports: dict[str, int],
    authority: tuple[Authority, Path],
    server: str,
    mode: str | None,
    root: str | None,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    query = {"sslmode": mode} if mode else {}
    if root == "system":
        monkeypatch.setenv("SSL_CERT_FILE", str(authority[1] / "authority.pem"))
        query["sslrootcert"] = root
    elif root:
        query["sslrootcert"] = str(authority[1] / f"{root}.pem")
    expected = connects(ports[server], **query)
    if mode in PROMISE_NOTHING and root == "stranger":
        expected = True  # which libpq turns down, and would then take in plain text
    assert await connects_here(ports[server], **query) == expected
    if server == "right name" and root == "authority":
        assert expected == (mode != "disable")
    if mode == "verify-full":
        assert expected == (server == "right name" and root in {"authority", "system"})


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("sslmode=verify-full", "no sslrootcert: name the authority's file"),
        ("sslmode=verify-ca", "no sslrootcert"),
        ("sslmode=require&sslrootcert=/nowhere.pem", "an sslrootcert that cannot be read"),
        ("sslmode=require&sslrootcert=system", "goes with sslmode=verify-full only"),
    ],
)
def test_what_could_never_be_verified_is_told_at_the_start(
    query: str, told: str, tmp_path: Path
) -> None:
    environ = environment(DATABASE_URL=f"postgresql://u:hunter2@h/d?{query}", HOME=str(tmp_path))
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=environ | {"FLASK_ENV": "testing", "PORT": "0"},
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert (done.returncode, "hunter2" in done.stderr) == (2, False)
    assert done.stderr.startswith("configuration: DATABASE_URL ")
    assert told in done.stderr


def test_service_over_tls(
    database: str, ports: dict[str, int], authority: tuple[Authority, Path], tmp_path: Path
) -> None:
    name, root = database_name(database), authority[1] / "authority.pem"
    address = f"postgres://postgres@127.0.0.1:{ports['right name']}/{name}"
    url = f"{address}?sslmode=verify-full&sslrootcert={root}"
    # A migration wants PostgreSQL itself; that it came to one over TLS is what PgBouncer says.
    done = alembic(url, "current")
    assert "set DATABASE_POOLER" in done.stderr
    service = start_service(tmp_path / "log", DATABASE_URL=url, DATABASE_POOLER="pgbouncer")
    try:
        assert get(f"{service.url}/health/ready").status_code == 200
    finally:
        assert service.stop() == 0
