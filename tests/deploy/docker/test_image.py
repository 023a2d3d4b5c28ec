"""The production image is built, holds what it should and no more, starts read-only as its own user
without a capability, answers /health, and stops cleanly on SIGTERM."""

import os
import secrets
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.deploy.docker.engine import BASE, Engine, usable
from tests.deploy.docker.relay import over_tcp
from tests.service.support import answers
from tests.support import free_port, wait_until

LARGEST = 200e6
START_LIMIT = 30.0
# Of the whole environment, so that nothing of a build is left: no compiler, no index, no cache.
ABSENT = """
import importlib.util, pathlib, shutil
for program in ("gcc", "cc", "make", "git", "curl", "wget", "opsconsole"):
    assert shutil.which(program) is None, program
for package in ("console", "textual", "pytest", "hatchling"):
    assert importlib.util.find_spec(package) is None, package
site = pathlib.Path(importlib.util.find_spec("quart").origin).parents[1]
assert not [each for each in site.rglob("*.py") if not each.with_name("__pycache__").is_dir()]
found = {each.name for each in pathlib.Path("/app").iterdir()}
assert found <= {"alembic", "alembic.ini", "app.py", "deploy", "requirements.txt", "var",
    "__pycache__"}, found
for root in (pathlib.Path("/app"), pathlib.Path("/opt/venv")):
    for each in root.rglob("*"):
        assert each.is_symlink() or not each.stat().st_mode & 0o022, each
        assert each.name != ".env" and each.owner() == "root", each
print("clean")
"""


@pytest.fixture(scope="module")
def engine() -> Engine:
    return usable()


@pytest.fixture(scope="module")
def image(engine: Engine) -> str:
    return engine.build(
        "production", "--build-arg", "VERSION=1.2.3", "--build-arg", "REVISION=0123abc"
    )


@pytest.fixture
def tcp_database(database: str) -> Iterator[str]:
    with over_tcp(database) as url:
        yield url


def test_it_is_small(engine: Engine, image: str, capsys: pytest.CaptureFixture[str]) -> None:
    size, base = engine.size(image), engine.size(BASE)
    with capsys.disabled():
        print(
            f"\nproduction image: {size / 1e6:.0f} MB, of which {BASE} {base / 1e6:.0f} MB"
            f" and the service {(size - base) / 1e6:.0f} MB"
        )
    assert size < LARGEST


def test_it_says_what_it_is(engine: Engine, image: str) -> None:
    settings = engine.settings(image)
    assert settings["User"] == "10001:10001"
    assert settings["Cmd"] == ["python", "-m", "service"]
    assert settings.get("StopSignal") == "SIGTERM"
    assert "5500/tcp" in settings["ExposedPorts"]
    assert settings["Healthcheck"]["Test"][0] == "CMD"
    assert settings["Labels"]["org.opencontainers.image.version"] == "1.2.3"
    assert settings["Labels"]["org.opencontainers.image.revision"] == "0123abc"
    assert "GIT_COMMIT=0123abc" in settings["Env"]


def test_nothing_else_is_in_it(engine: Engine, image: str) -> None:
    assert engine.run(image, "python", "-c", ABSENT).strip() == "clean"


def test_it_serves_read_only_and_stops(
    engine: Engine, image: str, tcp_database: str, tmp_path: Path
) -> None:
    port = free_port()
    environ = {
        "DATABASE_URL": tcp_database,
        "SECRET_KEY": secrets.token_hex(32),
        "JWT_SECRET_KEY": secrets.token_hex(32),
        "PORT": str(port),
    }
    url = f"http://127.0.0.1:{port}"
    with engine.running(image, environ, tmp_path / "log") as running:
        wait_until(
            lambda: running.process.poll() is not None or answers(url), "the service", START_LIMIT
        )
        assert running.process.poll() is None, running.log.read_text()
        health = httpx.get(f"{url}/health", timeout=10)
        assert health.json() == {"status": "healthy", "database": "connected"}
        assert httpx.get(f"{url}/health/ready", timeout=10).status_code == 200
        body = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
        answer = httpx.post(f"{url}/api/v1/auth/register", json=body, timeout=10)
        assert answer.status_code == 201, answer.text
        assert running.stop() == 0, running.log.read_text()
    assert "Read-only file system" not in running.log.read_text()


def test_several_processes_share_one_container(
    engine: Engine, image: str, tcp_database: str, tmp_path: Path
) -> None:
    port = free_port()
    environ = {
        "DATABASE_URL": tcp_database,
        "SECRET_KEY": secrets.token_hex(32),
        "JWT_SECRET_KEY": secrets.token_hex(32),
        "PORT": str(port),
        "WEB_CONCURRENCY": "2",
        "PROMETHEUS_MULTIPROC_DIR": "/tmp/metrics",
    }
    command = ("gunicorn", "-c", "deploy/gunicorn.conf.py")
    with engine.running(image, environ, tmp_path / "log", *command) as running:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "the service", START_LIMIT)
        metrics = httpx.get(f"http://127.0.0.1:{port}/metrics", timeout=10)
        assert "service_processes" in metrics.text, running.log.read_text()
        assert running.stop() == 0, running.log.read_text()
    assert "Read-only file system" not in running.log.read_text()


def test_a_checkout_is_served_in_development(
    engine: Engine, tcp_database: str, tmp_path: Path
) -> None:
    port = free_port()
    environ = {"DATABASE_URL": tcp_database, "QUART_RUN_PORT": str(port)}
    with engine.running(engine.build("development"), environ, tmp_path / "log") as running:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}"), "the service", START_LIMIT)
        health = httpx.get(f"http://127.0.0.1:{port}/health", timeout=10)
        assert health.json() == {"status": "healthy", "database": "connected"}
    assert "Read-only file system" not in running.log.read_text()


@pytest.mark.skipif(
    "IMAGE_BACKUP" not in os.environ,
    reason="pg_dump comes from Debian's index: set IMAGE_BACKUP=1 where it can be reached",
)
def test_the_backup_image_has_its_programs(engine: Engine) -> None:
    image = engine.build("backup")
    settings = engine.settings(image)
    assert settings["User"] == "10001:10001"
    assert settings["Cmd"] == ["python", "-m", "deploy.backup", "run", "--every", "24h"]
    for program in ("pg_dump", "pg_restore"):
        assert " 17." in engine.run(image, program, "--version")
    assert "verify" in engine.run(image, "python", "-m", "deploy.backup", "--help")


def test_it_does_not_start_without_its_secrets(engine: Engine, image: str, tmp_path: Path) -> None:
    with engine.running(image, {}, tmp_path / "log") as running:
        assert running.process.wait(START_LIMIT) == 2
    assert "SECRET_KEY is not set" in running.log.read_text()
