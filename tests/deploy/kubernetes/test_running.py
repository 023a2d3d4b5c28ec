"""The real service, in the environment a pod gets, with its secrets in files: it waits for the
migration's Job, answers every probe at its path and port, and stops within its grace."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from time import monotonic

import httpx
import pytest

from deploy.backup.settings import load
from tests.deploy.kubernetes.pod import container_of, environ_of, migrate, mounted, start
from tests.deploy.kubernetes.variants import variant
from tests.support import ROOT, environment, wait_until
from tests.valkey import Valkey


@pytest.fixture
def valkey() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.kill()


@pytest.mark.parametrize("name", ["staging", "production"])
def test_a_pod_is_ready_once_the_job_has_migrated(
    name: str, empty_database: str, valkey: Valkey, tmp_path: Path
) -> None:
    rendered = variant(name)
    container = container_of(rendered.service["spec"]["template"])
    service = start(rendered, empty_database, valkey.url, tmp_path)
    try:
        answers = {
            probe: httpx.get(service.url + container[probe]["httpGet"]["path"], timeout=5)
            for probe in ("startupProbe", "livenessProbe", "readinessProbe")
        }
        assert [each.status_code for each in answers.values()] == [200, 200, 503]
        assert not answers["readinessProbe"].json()["checks"]["schema"]["ok"]

        migrate(rendered, empty_database, tmp_path)
        ready = service.url + container["readinessProbe"]["httpGet"]["path"]
        wait_until(lambda: httpx.get(ready, timeout=5).status_code == 200, "readiness")

        (endpoint,) = variant("production").of("ServiceMonitor")[0]["spec"]["endpoints"]
        metrics = httpx.get(service.url + endpoint["path"], timeout=5)
        assert metrics.status_code == 200
        capacity = json.loads(rendered.config["SQLALCHEMY_ENGINE_OPTIONS"])
        most = sum(capacity[key] for key in ("pool_size", "max_overflow"))
        assert f"database_pool_max_connections {float(most)}" in metrics.text
    finally:
        began = monotonic()
        code = service.stop()
    assert code == 0
    assert monotonic() - began < float(rendered.config["GRACEFUL_TIMEOUT"])


def test_the_backup_is_told_all_it_asks_for(tmp_path: Path) -> None:
    rendered = variant("production")
    (job,) = rendered.of("CronJob")
    template = job["spec"]["jobTemplate"]["spec"]["template"]
    url = "postgresql://backup:hunter2@postgres.example.com/quartermaster"
    mount = mounted(tmp_path / "backup", DATABASE_URL=url, BACKUP_AGE_IDENTITY="x")
    settings = load(environ_of(rendered, template, mount))
    assert settings.source().database == "quartermaster"
    assert settings.store.startswith("s3://")
    assert settings.recipients
    assert settings.identity_file == mount / "BACKUP_AGE_IDENTITY"
    assert settings.report.parent == Path("/tmp")


def test_the_example_is_refused_as_it_is(tmp_path: Path) -> None:
    """Somebody who applies the placeholders gets no service that anybody can forge tokens for."""
    rendered = variant("production")
    mount = mounted(
        tmp_path / "service",
        SECRET_KEY="change-me",
        JWT_SECRET_KEY="change-me",
        DATABASE_URL="postgresql://service:change-me@postgres.example.com:5432/quartermaster",
        RATELIMIT_STORAGE_URI="rediss://:change-me@valkey.example.com:6379/0",
    )
    done = subprocess.run(
        [sys.executable, "-m", "service"],
        cwd=ROOT,
        env=environment(**environ_of(rendered, rendered.service["spec"]["template"], mount)),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    assert "SECRET_KEY" in done.stderr
    assert "change-me" not in done.stderr
