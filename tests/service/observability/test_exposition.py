"""`/metrics` says what is so: valid for Prometheus, of all processes, and within a second."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.database.engine import Database, DatabaseUnavailable
from service.observability.build import commit_in
from tests.debian import debian_tool
from tests.service import web
from tests.service.observability.receivers import Receiver
from tests.service.sql import held
from tests.service.support import GUNICORN, SERVICE, Service
from tests.support import ROOT, alembic, environment, execute, silent_port, wait_until

Start = Callable[..., Service]

PROMISED = {
    "http_requests_total": "counter",
    "http_request_duration_seconds": "histogram",
    "http_requests_in_progress": "gauge",
    "database_pool_connections": "gauge",
    "database_pool_max_connections": "gauge",
    "database_pool_waiting": "gauge",
    "database_pool_timeouts_total": "counter",
    "database_breaker_open": "gauge",
    "database_breaker_openings_total": "counter",
    "database_up": "gauge",
    "database_migrations_pending": "gauge",
    "event_loop_lag_seconds": "histogram",
    "log_lines_lost_total": "counter",
    "service_build_info": "gauge",
    "service_processes": "gauge",
    "rate_limit_store_up": "gauge",
    "rate_limit_store_failures_total": "counter",
    "backup_verified_timestamp_seconds": "gauge",
    "backup_attempted_timestamp_seconds": "gauge",
    "backup_last_attempt_success": "gauge",
    "backup_size_bytes": "gauge",
}
REPORT = {
    "verified_at": "2026-01-15T03:00:00Z",
    "attempted_at": "2026-01-16T03:00:00+00:00",
    "ok": False,
    "error": "pg_dump failed",
    "name": "nightly",
    "size_bytes": 1234,
    "rows": 56,
}


def values(text: str) -> dict[str, float]:
    """The values without labels, and those of the pool by their state."""
    found = {}
    for family in text_string_to_metric_families(text):
        for sample in family.samples:
            if not sample.labels or set(sample.labels) == {"state"}:
                found[" ".join([sample.name, *sample.labels.values()])] = sample.value
    return found


def scraped(service: Service) -> dict[str, float]:
    return values(web.get(f"{service.url}/metrics").text)


@pytest.fixture
def report(tmp_path: Path) -> Path:
    """The report of a backup that failed, after one that did not."""
    path = tmp_path / "backup.json"
    path.write_text(json.dumps(REPORT))
    return path


@pytest.mark.parametrize("multiprocess", [False, True])
def test_every_metric_is_there_and_valid_for_prometheus(
    start: Start, report: Path, tmp_path: Path, multiprocess: bool
) -> None:
    more = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "new" / "metrics")} if multiprocess else {}
    service = start(SERVICE, BACKUP_REPORT=str(report), GIT_COMMIT="0123abc", **more)
    web.get(f"{service.url}/health")

    def measured() -> bool:
        lag = "event_loop_lag_seconds_count"
        return scraped(service).get(lag, 0) > 0

    wait_until(measured, "the event loop's lag")
    text = web.get(f"{service.url}/metrics").text
    told = dict(
        line.removeprefix("# TYPE ").split() for line in text.splitlines() if "# TYPE" in line
    )
    assert PROMISED.items() <= told.items()
    promtool = debian_tool("promtool")
    for broken in (False, True):
        checked = subprocess.run(
            [promtool.path, "check", "metrics"],
            env=promtool.environ,
            input=text.replace("# HELP database_up ", "# HOLP ") if broken else text,
            capture_output=True,
            text=True,
            timeout=30,
            check=False,
        )
        assert bool(checked.returncode or checked.stderr) is broken, checked.stderr
    now = values(text)
    assert now["database_up"] == 1
    assert now["database_migrations_pending"] == 0
    assert now["service_processes"] == 1
    assert now["http_requests_in_progress"] == 1
    assert now["database_pool_max_connections"] == 30
    assert now["backup_verified_timestamp_seconds"] == 1_768_446_000
    assert now["backup_attempted_timestamp_seconds"] == 1_768_532_400
    assert (now["backup_last_attempt_success"], now["backup_size_bytes"]) == (0, 1234)
    assert re.search(r'^service_build_info\{.*commit="0123abc".*\} 1\.0$', text, re.MULTILINE)


@pytest.mark.parametrize(
    "content",
    [
        "",
        "{",
        "[]",
        "null",
        "[" * 60_000,
        '{"verified_at": 5, "ok": 1, "size_bytes": true}',
        '{"verified_at": null, "attempted_at": "yesterday", "size_bytes": -1}',
        '{"ok": "yes", "size_bytes": 1e400, "x": "' + "x" * 70_000 + '"}',
    ],
)
def test_broken_report_of_a_backup_is_no_metric_and_no_error(tmp_path: Path, content: str) -> None:
    from service.observability.backup import backup_metrics  # noqa: PLC0415

    path = tmp_path / "backup.json"
    path.write_text(content)
    assert list(backup_metrics(path)) == []
    os.mkfifo(tmp_path / "pipe")
    assert list(backup_metrics(tmp_path / "pipe")) == []
    assert list(backup_metrics(tmp_path / "missing")) == []


def test_migrations_are_counted(start: Start, empty_database: str) -> None:
    service = start(SERVICE, DATABASE_URL=empty_database)
    wait_until(lambda: "database_migrations_pending" in scraped(service), "the history")
    all_of_them = scraped(service)["database_migrations_pending"]
    assert all_of_them == len(list((ROOT / "alembic" / "versions").glob("*.py")))
    assert alembic(empty_database, "upgrade", "head").returncode == 0
    assert scraped(service)["database_migrations_pending"] == 0
    execute(empty_database, "UPDATE alembic_version SET version_num = 'newer'")
    assert scraped(service)["database_migrations_pending"] == 0
    assert alembic(empty_database, "stamp", "--purge", "head").returncode == 0
    assert alembic(empty_database, "downgrade", "-1").returncode == 0
    assert scraped(service)["database_migrations_pending"] == 1


def test_database_that_hangs_delays_no_scrape(start: Start) -> None:
    with silent_port() as port:
        service = start(SERVICE, DATABASE_URL=f"postgresql://x@127.0.0.1:{port}/x")
        taken: list[float] = []

        def scrape() -> None:
            began = time.perf_counter()
            told = scraped(service)
            taken.append(time.perf_counter() - began)
            assert told["database_up"] == 0
            assert "database_migrations_pending" not in told

        threads = [threading.Thread(target=scrape) for _ in range(8)]
        for each in threads:
            each.start()
        for each in threads:
            each.join(10)
        # One question for all of them: one connection at most is being opened.
        assert len(taken) == 8
        assert max(taken) < 2  # 0.75, and a slow machine
        assert scraped(service)["database_pool_connections in_use"] <= 1


async def test_pool_says_who_waits(database: str) -> None:
    options = {"pool_size": 2, "max_overflow": 1, "pool_timeout": 0.4}
    opened = Database(database, options, statement_timeout=5)
    release = asyncio.Event()

    async def hold() -> None:
        async with opened.reading():
            await release.wait()

    async def settled(**wanted: int) -> None:
        async with asyncio.timeout(5):
            while wanted.items() - opened.pool_state()._asdict().items():  # noqa: ASYNC110
                await asyncio.sleep(0.01)

    assert opened.pool_state() == (0, 0, 3, 0, 0)
    holders = [asyncio.create_task(hold()) for _ in range(3)]
    await settled(in_use=3, idle=0, waiting=0)
    late = [asyncio.create_task(hold()) for _ in range(4)]
    await settled(in_use=3, waiting=4, timeouts=0)
    late.pop().cancel()
    await settled(waiting=3)
    outcomes = await asyncio.gather(*late, return_exceptions=True)
    assert [type(each) for each in outcomes[:3]] == [DatabaseUnavailable] * 3
    assert opened.pool_state() == (3, 0, 3, 0, 3)
    waiter = asyncio.create_task(hold())
    await settled(waiting=1)
    release.set()
    await asyncio.gather(*holders, waiter)
    await settled(in_use=0, idle=3, waiting=0, timeouts=3)
    await opened.close()


def test_pool_of_a_busy_service_is_told(start: Start, database: str) -> None:
    options = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 4.0}
    service = start(SERVICE, SQLALCHEMY_ENGINE_OPTIONS=json.dumps(options))

    def login() -> None:
        body = {"email": "nobody@example.com", "password": "correct horse"}
        web.post(f"{service.url}/api/v1/auth/login", json=body)

    login()
    assert scraped(service)["database_pool_connections idle"] >= 1
    clients = [threading.Thread(target=login) for _ in range(5)]

    def saturated() -> bool:
        now = scraped(service)
        return (now["database_pool_connections in_use"], now["database_pool_waiting"] >= 3) == (
            2,
            True,
        )

    with held(database, "LOCK TABLE users"):
        for each in clients:
            each.start()
        wait_until(saturated, "a full pool")
        wait_until(lambda: scraped(service)["database_pool_timeouts_total"] >= 1, "an end of it")
    for each in clients:
        each.join(20)
    assert scraped(service)["database_pool_waiting"] == 0


@pytest.fixture
def gunicorn(start: Start, tmp_path: Path) -> Iterator[Service]:
    """Two workers that count together, in a folder with something left over."""
    folder = tmp_path / "metrics"
    folder.mkdir()
    (folder / "gauge_livesum_999999.db").write_bytes(b"")
    (folder / "999999.serving").touch()
    service = start(GUNICORN, WEB_CONCURRENCY="2", PROMETHEUS_MULTIPROC_DIR=str(folder))
    wait_until(lambda: scraped(service)["service_processes"] == 2, "two workers", 30)
    assert not list(folder.glob("*999999*"))
    return service


def test_gauges_of_workers_add_up_and_end_with_them(gunicorn: Service, tmp_path: Path) -> None:
    wait_until(
        lambda: scraped(gunicorn)["database_pool_max_connections"] == 60, "the pools of both"
    )
    before = {child.pid for child in psutil.Process(gunicorn.process.pid).children()}
    counted = wait_until(
        lambda: scraped(gunicorn)["event_loop_lag_seconds_count"], "the loops measured"
    )
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(
        lambda: (
            not before & {c.pid for c in psutil.Process(gunicorn.process.pid).children()}
            and scraped(gunicorn)["service_processes"] == 2
        ),
        "new workers",
        30,
    )
    wait_until(
        lambda: scraped(gunicorn)["database_pool_max_connections"] == 60, "their pools, no others"
    )
    assert scraped(gunicorn)["event_loop_lag_seconds_count"] >= counted
    left = {path.name for path in (tmp_path / "metrics").iterdir()}
    assert not [name for name in left if any(str(pid) in name for pid in before)]
    assert "histogram_0.db" in left


def test_process_killed_without_an_arbiter_leaves_no_gauges(start: Start, tmp_path: Path) -> None:
    folder = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}
    first, second = start(SERVICE, **folder), start(SERVICE, **folder)
    for _ in range(3):
        web.get(f"{second.url}/nowhere")
    wait_until(lambda: scraped(first)["database_pool_max_connections"] == 60, "both")
    second.process.kill()
    second.process.wait(10)
    text = web.get(f"{first.url}/metrics").text
    now = values(text)
    assert (now["service_processes"], now["database_pool_max_connections"]) == (1, 30)
    assert 'http_requests_total{method="GET",route="none",status="404"} 3.0' in text


def test_command_that_loads_the_metrics_is_no_process_that_serves(
    start: Start, tmp_path: Path
) -> None:
    folder = {"PROMETHEUS_MULTIPROC_DIR": str(tmp_path / "shared")}
    service = start(SERVICE, **folder)
    code = "import service.app, sys; print('loaded', flush=True); sys.stdin.read()"
    with subprocess.Popen(
        [sys.executable, "-c", code],
        cwd=ROOT,
        env=service.environ,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    ) as command:
        assert command.stdout
        assert command.stdout.readline()
        now = scraped(service)
        assert (now["service_processes"], now["rate_limit_store_up"]) == (1, 1)
        command.communicate(timeout=10)


@pytest.mark.parametrize(
    ("environ", "commit"),
    [
        ({}, "unknown"),
        ({"SOURCE_VERSION": "abc"}, "abc"),
        ({"GIT_COMMIT": "", "RENDER_GIT_COMMIT": "def"}, "def"),
        ({"GIT_COMMIT": 'x"} 1'}, "unknown"),
        ({"GIT_COMMIT": "x" * 65}, "unknown"),
    ],
)
def test_commit_is_what_the_platform_says(environ: dict[str, str], commit: str) -> None:
    assert commit_in(environ) == commit


OFF = """
import asyncio, sys
from service.app import create_app

async def run():
    app = create_app()
    plain = app.asgi_app
    await app.startup()
    assert app.asgi_app is plain
    await app.shutdown()

asyncio.run(run())
loaded = {name.partition(".")[0] for name in sys.modules}
print(sorted(loaded & {"sentry_sdk", "opentelemetry", "requests", "urllib3", "google"}))
"""


@pytest.mark.parametrize("sentry", [False, True])
def test_what_is_off_is_not_even_loaded(service: Service, receiver: Receiver, sentry: bool) -> None:
    environ = service.environ | ({"SENTRY_DSN": receiver.dsn} if sentry else {})
    ran = subprocess.run(
        [sys.executable, "-c", OFF],
        cwd=ROOT,
        env=environ,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert ran.returncode == 0, ran.stderr
    assert ran.stdout.endswith("[]\n") is not sentry
    assert "opentelemetry" not in ran.stdout


@pytest.mark.parametrize("command", [SERVICE, GUNICORN])
def test_folder_that_cannot_be_made_is_one_line(command: tuple[str, ...], tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    done = subprocess.run(
        [sys.executable, *command],
        cwd=ROOT,
        env=environment(
            PROMETHEUS_MULTIPROC_DIR=str(tmp_path / "file" / "folder"), FLASK_ENV="testing"
        ),
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )
    assert done.returncode == 2
    told = "configuration: PROMETHEUS_MULTIPROC_DIR cannot be written to: Not a directory\n"
    assert done.stderr.endswith(told)
    assert "Traceback" not in done.stderr + done.stdout
