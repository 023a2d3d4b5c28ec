"""The service while its database is silent, away, or short of CPU: honest answers in time, an
outage told in two lines, and no outage told that is none."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.faults.postgres import Postgres, postgres
from tests.service.support import Account, Service, register, start_service
from tests.support import silent_port, wait_until

CHANGES = {"database unavailable", "database available again"}
# For a busy machine.
SLACK = 4.0


@pytest.fixture
def silent() -> Iterator[int]:
    with silent_port() as port:
        yield port


def test_health_is_answered_whatever_the_database_does(
    own_service: Callable[..., Service], silent: int
) -> None:
    service = own_service(DATABASE_URL=f"postgresql://u:p@127.0.0.1:{silent}/d")
    for path in ("/health", "/health/ready"):
        # The client's own limit is the contract's: past 2 s this raises.
        answer = httpx.get(f"{service.url}{path}", timeout=2)
        assert answer.status_code == 503
    assert httpx.get(f"{service.url}/health", timeout=2).json()["error"] == "timeout"
    assert httpx.get(f"{service.url}/health/live", timeout=2).status_code == 200


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Postgres]:
    """A PostgreSQL of this module's own, which each test leaves running."""
    with postgres(tmp_path_factory.mktemp("frozen") / "postgres") as running:
        yield running


Start = Callable[..., tuple[Service, Account]]


@pytest.fixture
def start(server: Postgres, tmp_path: Path) -> Iterator[Start]:
    """Starts the service on it, with a user; at the end it stops as it should."""
    started: list[tuple[Service, Account]] = []

    def begin(**variables: str) -> tuple[Service, Account]:
        service = start_service(
            tmp_path / "stdout.jsonl", DATABASE_URL=server.url, RATELIMIT_ENABLED="0", **variables
        )
        started.append((service, register(service.url)))
        return started[-1]

    yield begin
    for service, user in started:
        user.http.close()
        assert service.stop() == 0


def changes(service: Service) -> list[dict[str, object]]:
    return [line for line in service.lines() if line["event"] in CHANGES]


def breaker(service: Service) -> tuple[float, float]:
    """Whether it is open, and how often it has opened, as Prometheus is told."""
    text = httpx.get(f"{service.url}/metrics", timeout=5).text
    found = {
        sample.name: sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }
    assert found["database_up"] == 1 - found["database_breaker_open"]
    return found["database_breaker_open"], found["database_breaker_openings_total"]


@contextmanager
def stopped(server: Postgres) -> Iterator[None]:
    server.stop()
    try:
        yield
    finally:
        server.start()


@contextmanager
def frozen(server: Postgres) -> Iterator[None]:
    with server.frozen():
        yield


@pytest.mark.parametrize("outage", [stopped, frozen])
def test_outage_is_told_in_two_lines(
    server: Postgres, start: Start, outage: Callable[[Postgres], Iterator[None]]
) -> None:
    service, user = start()
    assert breaker(service) == (0, 0)

    def ask(_: int) -> tuple[int, str | None, float]:
        began = time.perf_counter()
        answer = user.http.get("/api/v1/users", timeout=10)
        return answer.status_code, answer.headers.get("retry-after"), time.perf_counter() - began

    with ThreadPoolExecutor(8) as clients, outage(server):
        for each in (clients.map(ask, range(16)), clients.map(ask, range(64))):
            found = list(each)
            assert {answer[:2] for answer in found} == {(503, "1")}
            assert max(seconds for _, _, seconds in found) < 1.5 + SLACK
        # The second time it is known.
        assert sorted(seconds for _, _, seconds in found)[32] < 0.5
        for path, limit in (("/health", 2), ("/health/ready", 2), ("/metrics", 2)):
            answer = httpx.get(f"{service.url}{path}", timeout=limit)
            assert answer.status_code == (200 if path == "/metrics" else 503)
        assert httpx.get(f"{service.url}/health", timeout=2).json()["status"] == "unhealthy"
        assert breaker(service) == (1, 1)
    wait_until(lambda: ask(0)[0] == 200, "a success", 0.5 + SLACK)
    assert breaker(service) == (0, 1)
    told = changes(service)
    assert [line["event"] for line in told] == ["database unavailable", "database available again"]
    assert [line["level"] for line in told] == ["ERROR", "WARNING"]
    assert told[0]["reason"]
    assert float(str(told[1]["seconds"])) > 0
    assert all(line["request_id"] is None for line in told)
    assert "Traceback" not in service.log.read_text()
    assert not [line for line in service.lines() if "exception" in line]


def test_stops_in_time_on_a_frozen_database(server: Postgres, start: Start) -> None:
    service, user = start(GRACEFUL_TIMEOUT="1")
    with server.frozen():
        asking = threading.Thread(target=lambda: user.http.get("/api/v1/users", timeout=10))
        asking.start()
        began = time.perf_counter()
        assert service.stop() == 0
        assert time.perf_counter() - began < 1 + 1 + 2 + 2 * SLACK
        asking.join(10)


def test_a_full_pool_is_no_outage(server: Postgres, start: Start) -> None:
    options = {"pool_size": 2, "max_overflow": 0, "pool_timeout": 0.5}
    service, user = start(SQLALCHEMY_ENGINE_OPTIONS=json.dumps(options))

    def ask(_: int) -> int:
        return user.http.get("/api/v1/users", timeout=10).status_code

    with ThreadPoolExecutor(6) as clients, server.connection() as locker:
        locker.execute("BEGIN; LOCK TABLE users")
        answers = clients.map(ask, range(6))
        line = service.line(event="database unavailable")
        for path in ("/health", "/health/ready"):
            assert httpx.get(f"{service.url}{path}", timeout=2).status_code == 200
        locker.execute("COMMIT")
        assert set(answers) <= {200, 503}
    # Said for each, since it is nobody else's doing.
    assert (line["level"], line["reason"]) == ("WARNING", "pool timeout")
    assert line["request_id"]
    assert breaker(service) == (0, 0)


HOG = "while True: pass"
REQUESTS = 16


@contextmanager
def busy_processes(number: int, core: int) -> Iterator[None]:
    """That many on one core, before everybody else where this user may say so."""
    hogs = []
    try:
        for _ in range(number):
            hog = subprocess.Popen([sys.executable, "-c", HOG])
            hogs.append(hog)
            os.sched_setaffinity(hog.pid, {core})
            if os.geteuid() == 0:
                ours = os.getpriority(os.PRIO_PROCESS, 0)
                os.setpriority(os.PRIO_PROCESS, hog.pid, ours - 10)
        yield
    finally:
        for each in hogs:
            each.kill()
            each.wait(10)


@contextmanager
def on_one_core(*pids: int) -> Iterator[int]:
    """The core that these processes, and those they start, have to share."""
    core = min(os.sched_getaffinity(0))
    for pid in pids:
        for each in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
            each.cpu_affinity([core])
    try:
        yield core
    finally:
        for pid in pids:
            for each in [psutil.Process(pid), *psutil.Process(pid).children(recursive=True)]:
                each.cpu_affinity(sorted(os.sched_getaffinity(0)))


@contextmanager
def stop_and_go(pid: int) -> Iterator[None]:
    """The process runs for 30 ms, then stands still for most of a second, and so on."""
    over = threading.Event()

    def cycle() -> None:
        while not over.is_set():
            os.kill(pid, signal.SIGSTOP)
            over.wait(0.9)
            os.kill(pid, signal.SIGCONT)
            over.wait(0.03)

    thread = threading.Thread(target=cycle)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join(10)
        os.kill(pid, signal.SIGCONT)


def served(user: Account) -> list[int]:
    """The answers a few clients get meanwhile."""
    paths = ("/api/v1/users", "/health")

    def ask(number: int) -> int:
        return user.http.get(paths[number % 2], timeout=60).status_code

    with ThreadPoolExecutor(4) as clients:
        return list(clients.map(ask, range(REQUESTS)))


def test_a_process_that_hardly_runs_blames_nobody(server: Postgres, start: Start) -> None:
    service, user = start()
    with stop_and_go(service.process.pid):
        assert set(served(user)) == {200}
    assert changes(service) == []


def test_a_machine_short_of_cpu_is_no_outage(server: Postgres, start: Start) -> None:
    service, user = start()
    pids = (service.process.pid, server._process.pid)
    with on_one_core(*pids) as core, busy_processes(4, core):
        assert set(served(user)) == {200}
    assert changes(service) == []
