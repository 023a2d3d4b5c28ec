"""The commands in the platforms' files do what the platforms start them for: they migrate, serve on
the platform's port, believe its headers, and stop in time; and the URLs it hands out are taken."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from secrets import token_hex
from urllib.parse import parse_qs, quote, urlsplit

import httpx
import psutil
import pytest
import redis.asyncio

from service.database.url import translate
from tests.deploy.platforms.platforms import PLATFORMS, REFERENCE
from tests.service.support import answers
from tests.support import ROOT, alembic, database_name, environment, free_port, wait_until
from tests.valkey import Valkey


def given(name: str, **more: str) -> dict[str, str]:
    """The environment in which the platform starts a command."""
    known = {
        each: value
        for each, value in PLATFORMS[name]({}).variables.items()
        if value != REFERENCE and not value.startswith("(")
    }
    secrets = {"SECRET_KEY": token_hex(32), "JWT_SECRET_KEY": token_hex(32)}
    hosts = {"CORS_ORIGINS": "https://app.example.org", "PUBLIC_URL": "https://api.example.org"}
    environ = environment(**(known | secrets | hosts | more))
    # The platform's own interpreter is first on its PATH.
    return environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}


@contextmanager
def running(
    command: str, environ: dict[str, str], output: Path
) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The command as a shell starts it, until it is stopped."""
    with output.open("wb") as said:
        process = subprocess.Popen(
            ["bash", "-c", command],
            cwd=ROOT,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=said,
            stderr=said,
        )
    url = f"http://127.0.0.1:{environ['PORT']}"
    try:
        wait_until(lambda: process.poll() is not None or answers(url), "the service", 40)
        assert process.poll() is None, output.read_text()
        yield process, url
    finally:
        if process.poll() is None:
            for child in psutil.Process(process.pid).children(recursive=True):
                child.kill()
            process.kill()
            process.wait(10)


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    """Where limits are counted."""
    made = Valkey()
    yield made
    made.kill()


@pytest.mark.parametrize("name", ["heroku", "render", "ecs", "cloud-run", "container-apps"])
def test_it_migrates_serves_and_stops(
    name: str, empty_database: str, valkey: Valkey, tmp_path: Path
) -> None:
    platform = PLATFORMS[name]({})
    url = empty_database.replace("postgresql://", "postgres://")
    environ = given(name, PORT=str(free_port()), DATABASE_URL=url, RATELIMIT_STORAGE_URI=valkey.url)
    migrated = subprocess.run(
        ["bash", "-c", platform.migration],
        cwd=ROOT,
        env={each: environ[each] for each in ("PATH", "DATABASE_URL", "FLASK_ENV")},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert migrated.returncode == 0, migrated.stderr
    with running(platform.command, environ, tmp_path / "log") as (process, address):
        ready = httpx.get(f"{address}/health/ready", timeout=10)
        assert ready.status_code == 200, ready.text
        assert httpx.get(f"{address}/health", timeout=10).json()["database"] == "connected"
        assert ready.headers["Strict-Transport-Security"]
        process.send_signal(signal.SIGTERM)
        assert process.wait(platform.stop) == 0, (tmp_path / "log").read_text()


def test_herokus_store_of_limits_is_taken(database: str, tmp_path: Path) -> None:
    environ = given("heroku", PORT=str(free_port()), DATABASE_URL=database)
    environ["REDIS_URL"] = "rediss://:secret@store.example:6380"
    told = (
        PLATFORMS["heroku"]({}).command.replace("exec gunicorn", "exec printenv").split(" -c ")[0]
    )
    done = subprocess.run(
        ["bash", "-c", f"{told} RATELIMIT_STORAGE_URI"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=10,
        check=True,
    )
    store = redis.asyncio.from_url(done.stdout.strip())
    assert store.connection_pool.connection_kwargs["ssl_cert_reqs"] == "none"
    assert store.connection_pool.make_connection().port == 6380


def test_herokus_database_is_taken() -> None:
    url = translate("postgres://u:p@ec2-1-2-3-4.compute.amazonaws.com:5432/d1?sslmode=require")
    assert url.dsn == ("postgresql://u:p@ec2-1-2-3-4.compute.amazonaws.com:5432/d1?sslmode=require")


@pytest.mark.parametrize("scheme", ["postgresql", "postgresql+psycopg2", "postgresql+asyncpg"])
@pytest.mark.parametrize("escaped", [True, False])
def test_cloud_sqls_socket_is_taken(
    scheme: str, escaped: bool, database: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = Path("/tmp") / f"sql{token_hex(3)}"
    socket = folder / "my-project:europe-west3:quartermaster"
    folder.mkdir()
    try:
        socket.symlink_to(parse_qs(urlsplit(database).query)["host"][0])
        host = quote(str(socket), safe="") if escaped else str(socket)
        url = f"{scheme}://postgres:unused@/{database_name(database)}?host={host}"
        done = alembic(url, "current", FLASK_ENV="production")
        assert done.returncode == 0, done.stderr
        assert "(head)" in done.stdout
    finally:
        socket.unlink(missing_ok=True)
        folder.rmdir()
