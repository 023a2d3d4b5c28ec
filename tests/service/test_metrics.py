"""`/metrics`: what Prometheus can read, and what no client can put into it."""

import os
import signal
import socket
import time
from collections.abc import Callable, Iterator

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.service import web
from tests.service.support import GUNICORN, Account, Service, start_service
from tests.support import wait_until
from tests.valkey import Valkey

Samples = dict[tuple[str, frozenset[tuple[str, str]]], float]

REQUESTS = "http_requests_total"
TIMED = "http_request_duration_seconds_count"
STORE_UP = "rate_limit_store_up"


def samples(url: str) -> Samples:
    """Every value, by the name and labels it goes under, each of which is there once."""
    answer = web.get(f"{url}/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=")
    found: Samples = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            key = (sample.name, frozenset(sample.labels.items()))
            assert key not in found
            found[key] = sample.value
    return found


def value(url: str, name: str, **labels: str) -> float:
    return samples(url).get((name, frozenset(labels.items())), 0)


def requests(url: str, route: str, status: int, method: str = "GET") -> float:
    return value(url, REQUESTS, method=method, route=route, status=str(status))


def test_requests_are_counted_once_by_route_and_status(service: Service, user: Account) -> None:
    route = "/api/v1/users/<id:user_id>"
    before = [requests(service.url, route, status) for status in (200, 403)]
    timed = value(service.url, TIMED, method="GET", route=route)
    for user_id in (user.id, user.id, user.id + 1):
        user.http.get(f"/api/v1/users/{user_id}")
    after = [requests(service.url, route, status) for status in (200, 403)]
    assert after == [before[0] + 2, before[1] + 1]
    assert value(service.url, TIMED, method="GET", route=route) == timed + 3


def test_durations_are_in_seconds(service: Service) -> None:
    duration = "http_request_duration_seconds_sum"
    before = value(service.url, duration, method="GET", route="/health/live")
    began = time.perf_counter()
    web.get(f"{service.url}/health/live")
    elapsed = time.perf_counter() - began
    after = value(service.url, duration, method="GET", route="/health/live")
    assert 0 < after - before < elapsed


def test_no_client_adds_labels(service: Service, client: httpx.Client) -> None:
    for name in ("BREW", "get", "X" * 500, "PROPFIND", "A-B"):
        client.request(name, "/health")
    for path in ("/nowhere", "/%0a", '/"}', "/metrics/x", "/api/v1/users/0", "/" + "x" * 900):
        client.get(path)
    client.get("/health", headers={"Host": 'x"} 1', "User-Agent": 'x"} 1'})
    found = samples(service.url)
    labels = [dict(names) for name, names in found if name == REQUESTS]
    methods = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "other"}
    assert {each["method"] for each in labels} <= methods
    routes = {each["route"] for each in labels}
    assert "none" in routes
    assert routes - {"none"} <= {line["route"] for line in service.lines(event="request")}
    assert not [route for route in routes if "x" * 99 in route or "nowhere" in route]


def test_client_that_left_is_counted_as_such(service: Service) -> None:
    before = requests(service.url, "/api/v1/auth/login", 499, "POST")
    address = httpx.URL(service.url)
    with socket.create_connection((address.host, address.port or 0), timeout=10) as peer:
        peer.sendall(
            b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\n"
            b"Content-Type: application/json\r\nContent-Length: 9\r\n\r\n{"
        )
    wait_until(
        lambda: requests(service.url, "/api/v1/auth/login", 499, "POST") == before + 1,
        "the request to be counted",
    )


@pytest.fixture(scope="module")
def store() -> Iterator[Valkey]:
    server = Valkey()
    yield server
    server.kill()


@pytest.fixture(scope="module")
def gunicorn(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
    store: Valkey,
) -> Iterator[Service]:
    """Two workers whose metrics add up."""
    folder = tmp_path_factory.mktemp("metrics")
    service = start_service(
        tmp_path_factory.mktemp("gunicorn") / "stdout.jsonl",
        GUNICORN,
        DATABASE_URL=create_database(migrated_template),
        WEB_CONCURRENCY="2",
        PROMETHEUS_MULTIPROC_DIR=str(folder),
        RATELIMIT_ENABLED="1",
        RATELIMIT_LOGIN="10000 per minute",
        RATELIMIT_STORAGE_URI=store.url,
    )
    wait_until(lambda: len(workers(service)) == 2, "two workers", 30)
    yield service
    for child in psutil.Process(service.process.pid).children(recursive=True):
        child.kill()
    service.process.kill()
    service.process.wait(10)


def workers(service: Service) -> set[int]:
    """Those that listen, and are there."""
    said = {line["pid"] for line in service.lines() if line["event"].startswith("listening on")}
    return said & {child.pid for child in psutil.Process(service.process.pid).children()}


def served_by(service: Service, path: str) -> set[int]:
    return {line["pid"] for line in service.lines(event="request", path=path)}


def test_processes_add_up(gunicorn: Service) -> None:
    sent = 0

    def both_have_answered() -> bool:
        nonlocal sent
        web.get(f"{gunicorn.url}/nowhere")
        sent += 1
        return len(served_by(gunicorn, "/nowhere")) == 2

    wait_until(both_have_answered, "both workers to answer", 20)
    for _ in range(4):  # whichever worker is asked
        assert requests(gunicorn.url, "none", 404) == sent
    assert (STORE_UP, frozenset()) in samples(gunicorn.url)


def test_worker_that_has_gone_is_no_outage_for_ever(gunicorn: Service, store: Valkey) -> None:
    def login() -> int:
        return web.post(f"{gunicorn.url}/api/v1/auth/login").status_code

    store.kill()
    wait_until(lambda: login() == 503 and value(gunicorn.url, STORE_UP) == 0, "the outage")
    counted = requests(gunicorn.url, "/api/v1/auth/login", 503, "POST")
    before = workers(gunicorn)
    for pid in before:
        os.kill(pid, signal.SIGKILL)
    wait_until(lambda: len(workers(gunicorn) - before) == 2, "new workers", 30)
    store.start()
    wait_until(lambda: login() == 415 and value(gunicorn.url, STORE_UP) == 1, "the recovery")
    # What the dead have counted is not lost.
    assert requests(gunicorn.url, "/api/v1/auth/login", 503, "POST") >= counted
