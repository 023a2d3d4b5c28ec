"""What the Compose files start works together: roles, PgBouncer, Valkey, migration and service from
the shipped files and the keys made for them, by the real programs."""

import json
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import psycopg
import pytest

from tests.deploy.docker.rehearsal import (
    Stack,
    make_keys,
    make_roles,
    run_backupcheck,
    run_healthcheck,
    stack,
)
from tests.support import free_port, silent_port

pytestmark = pytest.mark.xdist_group("docker-stack")


@pytest.fixture(scope="module")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    with stack(tmp_path_factory.mktemp("stack")) as found:
        yield found


def test_the_service_is_ready_behind_the_pooler(running: Stack) -> None:
    url = running.service.url
    assert httpx.get(f"{url}/health", timeout=10).json()["database"] == "connected"
    ready = httpx.get(f"{url}/health/ready", timeout=10)
    assert ready.status_code == 200, ready.text
    body = {"email": "ada@example.com", "password": "correct horse", "name": "Ada"}
    answer = httpx.post(f"{url}/api/v1/auth/register", json=body, timeout=10)
    assert answer.status_code == 201, answer.text
    assert "X-RateLimit-Remaining" in answer.headers
    assert "rate limit" not in running.service.log.read_text()


def test_the_service_owns_its_database_and_nothing_else(running: Stack) -> None:
    with running.connect("database_url") as connection:
        asked = "SELECT rolsuper OR rolcreaterole OR rolcreatedb FROM pg_roles"
        assert connection.execute(f"{asked} WHERE rolname = current_user").fetchone() == (False,)
        assert connection.execute("SELECT count(*) FROM users").fetchone()


def test_backups_read_all_write_nothing_and_restore_elsewhere(running: Stack) -> None:
    with running.connect("backup_database_url") as connection:
        assert connection.execute("SELECT count(*) FROM users").fetchone()
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            connection.execute("DELETE FROM users")
        connection.execute("CREATE DATABASE restored")
        connection.execute("DROP DATABASE restored")


def test_a_backup_is_made_and_verified(running: Stack, tmp_path: Path) -> None:
    report = tmp_path / "report.json"
    assert run_backupcheck(report).returncode == 1
    done = running.back_up(tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(report.read_text())["ok"] is True
    assert run_backupcheck(report).stdout == "verified\n"


@pytest.mark.parametrize(
    "content", ["", "[]", "{}", '{"ok": 1}', '{"ok": false, "error": "\\u001b"}']
)
def test_no_verified_backup_is_not_healthy(content: str, tmp_path: Path) -> None:
    (tmp_path / "report.json").write_text(content)
    done = run_backupcheck(tmp_path / "report.json")
    assert done.returncode == 1
    assert done.stdout.startswith("not verified")
    assert done.stdout.isascii()
    assert "\x1b" not in done.stdout


def test_a_wrong_password_is_refused(running: Stack) -> None:
    for port in (running.bouncer.port,):
        url = f"postgresql://quartermaster:wrong@127.0.0.1:{port}/quartermaster"
        with pytest.raises(psycopg.OperationalError, match=r"authentication failed"):
            psycopg.connect(url, connect_timeout=10)


def test_the_health_check_tells_good_from_bad(running: Stack) -> None:
    port = running.service.url.rpartition(":")[2]
    for path in ("/health/live", "/health/ready"):
        assert run_healthcheck(path, PORT=port).returncode == 0
    assert run_healthcheck("/health/live", FLASK_PORT=port, FLASK_HOST="127.0.0.1").returncode == 0
    missing = run_healthcheck("/nowhere", PORT=port)
    assert (missing.returncode, missing.stdout) == (1, "/nowhere: 404\n")
    assert run_healthcheck("/health/live", PORT=str(free_port())).returncode == 1
    assert run_healthcheck("/health/live", PORT="x").returncode == 1


def test_the_health_check_does_not_wait_for_ever() -> None:
    with silent_port() as port:
        started = time.monotonic()
        assert run_healthcheck("/health/live", PORT=str(port)).returncode == 1
        assert time.monotonic() - started < 15


def test_roles_need_their_passwords(running: Stack, tmp_path: Path) -> None:
    done = make_roles(tmp_path, running.postgres.host)
    assert done.returncode
    assert "database_password" in done.stderr


def test_keys_are_made_once(tmp_path: Path) -> None:
    folder = tmp_path / "secrets"
    first = make_keys(folder, "--certificate", "localhost")
    assert first.returncode == 0, first.stderr
    made = {path.name: path.read_text() for path in folder.iterdir()}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()} == {0o444}
    assert len(made["secret_key"].strip()) == 64
    assert made["secret_key"] != made["jwt_secret_key"]
    assert not [value for value in made.values() if value.strip() in first.stdout]
    (folder / "secret_key").unlink()
    second = make_keys(folder, "--certificate", "localhost")
    assert second.stdout == "keys: made secret_key\n"
    again = {path.name: path.read_text() for path in folder.iterdir()}
    assert {name for name, value in made.items() if again[name] != value} == {"secret_key"}


def test_keys_say_why_there_are_none(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = make_keys(tmp_path / "file")
    assert done.returncode == 1
    assert done.stderr.startswith("keys: ")
    assert "Traceback" not in done.stderr
