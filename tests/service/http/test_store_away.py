"""The store of rate limits killed, frozen, and back: reads go on, logins are refused at once."""

import asyncio
import time
from collections.abc import Callable

import httpx
import psutil
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.http.ratelimit import STORE_LIMIT
from tests.service import web
from tests.service.shared import Join, Start
from tests.service.support import Account, Service
from tests.support import wait_until
from tests.valkey import Valkey

LIMITS = {
    "RATELIMIT_ENABLED": "1",
    "RATELIMIT_DEFAULT": "10000 per minute",
    "RATELIMIT_LOGIN": "10000 per minute",
    "RATELIMIT_REGISTER": "10000 per minute",
}
STRICT = ("login", "register", "refresh", "password")
AWAY = "rate limit store unavailable: reads are not limited, logins are refused"
BACK = "rate limit store answers again"


@pytest.fixture(scope="module")
def running(start_shared: Start, valkey: Valkey) -> Service:
    """A service whose store the tests break, and put right again."""
    return start_shared(**LIMITS, RATELIMIT_STORAGE_URI=valkey.url)


@pytest.fixture
def service(running: Service) -> Service:
    """It, once it counts and has said so."""
    wait_until(lambda: counted(running) and len(set(alarms(running))) == 1, "the store")
    return running


@pytest.fixture
def user(service: Service, newcomer: Join) -> Account:
    return newcomer(service)


def counted(service: Service) -> bool:
    answer = web.post(f"{service.url}/api/v1/auth/login")
    return "x-ratelimit-remaining" in answer.headers


def alarms(service: Service) -> tuple[int, int]:
    """How often the log says that the store has gone, and that it is back."""
    return len(service.lines(event=AWAY)), len(service.lines(event=BACK))


def metric(service: Service, name: str) -> float:
    text = web.get(f"{service.url}/metrics").text
    samples = [each for family in text_string_to_metric_families(text) for each in family.samples]
    (value,) = [sample.value for sample in samples if sample.name == name]
    return value


def strict_answers(user: Account) -> list[httpx.Response]:
    return [user.http.post(f"/api/v1/auth/{action}", json={}) for action in STRICT]


def test_killed_store(service: Service, user: Account, valkey: Valkey) -> None:
    assert metric(service, "rate_limit_store_up") == 1
    before = metric(service, "rate_limit_store_failures_total")
    gone, back = alarms(service)
    with valkey.gone():
        for _ in range(3):
            answer = user.http.get("/api/v1/auth/me")
            assert answer.status_code == 200
            assert "x-ratelimit-limit" not in answer.headers
        # The client's own limit is the promise: past 1 s this raises.
        user.http.timeout = httpx.Timeout(1)
        for answer in strict_answers(user):
            assert answer.status_code == 503
            assert answer.headers["retry-after"] == "1"
            assert answer.headers["content-type"] == "application/problem+json"
        assert metric(service, "rate_limit_store_up") == 0
        assert metric(service, "rate_limit_store_failures_total") - before == 7
        line = wait_until(lambda: service.lines(event=AWAY)[gone:], "the line")[0]
        assert (line["level"], line["reason"]) == ("ERROR", "ConnectionError")
    user.http.timeout = httpx.Timeout(10)
    wait_until(lambda: counted(service), "counting again")
    assert metric(service, "rate_limit_store_up") == 1
    assert user.http.get("/api/v1/auth/me").headers["x-ratelimit-remaining"].isdigit()
    assert user.http.post("/api/v1/auth/refresh").status_code == 401
    wait_until(lambda: service.lines(event=BACK)[back:], "the line")
    assert alarms(service) == (gone + 1, back + 1)


def test_frozen_store_holds_up_only_the_first(
    service: Service, user: Account, valkey: Valkey
) -> None:
    waits = []
    gone, back = alarms(service)
    with valkey.frozen():
        began = time.perf_counter()
        for _ in range(30):
            before = time.perf_counter()
            assert user.http.get("/api/v1/auth/me").status_code == 200
            waits.append(time.perf_counter() - before)
        elapsed = time.perf_counter() - began
        assert {answer.status_code for answer in strict_answers(user)} == {503}
    assert 0.2 < waits[0] < 1
    # One at the beginning, and one a second that looks whether it is back.
    assert len([wait for wait in waits if wait > 0.2]) <= 2 + elapsed
    wait_until(lambda: counted(service), "counting again")
    wait_until(lambda: service.lines(event=BACK)[back:], "the line")
    assert alarms(service) == (gone + 1, back + 1)


def test_frozen_store_holds_up_a_crowd_once(service: Service, valkey: Valkey) -> None:
    request = b"GET /api/v1/auth/me HTTP/1.1\r\nHost: x\r\n\r\n"

    def seconds() -> float:
        began = time.perf_counter()
        assert asyncio.run(burst(httpx.URL(service.url), request, 400)) == {b"401": 400}
        return time.perf_counter() - began

    usual = seconds()
    with valkey.frozen():
        # Not a quarter of a second for every fifty that have a connection to the store.
        assert seconds() < 2 * usual + 1


def test_store_that_was_never_there(own_service: Callable[..., Service]) -> None:
    service = own_service(**LIMITS, RATELIMIT_STORAGE_URI="redis://:pa55word@127.0.0.1:1/0")
    assert web.get(f"{service.url}/api/v1/auth/me").status_code == 401
    assert web.post(f"{service.url}/api/v1/auth/login", json={}).status_code == 503
    service.line(event=AWAY)
    assert "pa55word" not in service.log.read_text()


async def burst(
    url: httpx.URL, request: bytes, count: int, meanwhile: Callable[[], None] | None = None
) -> dict[bytes, int]:
    """How often each status came, to that many requests at once, on a connection each."""
    peers = [await asyncio.open_connection(url.host, url.port) for _ in range(count)]
    for _, writer in peers:
        writer.write(request)
    if meanwhile is not None:
        meanwhile()
    found: dict[bytes, int] = {}
    for reader, writer in peers:
        line = await reader.readline()
        status = line.split()[1]
        found[status] = found.get(status, 0) + 1
        writer.close()
        await writer.wait_closed()
    return found


LOGIN = b"POST /api/v1/auth/login HTTP/1.1\r\nHost: x\r\nContent-Length: 0\r\n\r\n"


def test_burst_is_no_outage(service: Service) -> None:
    before, _ = alarms(service)
    assert asyncio.run(burst(httpx.URL(service.url), LOGIN, 400)) == {b"415": 400}
    assert alarms(service)[0] == before


def test_process_that_was_held_up_is_no_outage(service: Service) -> None:
    """A busy machine gives a process no time, and the store is not to blame."""
    process = psutil.Process(service.process.pid)

    def hold_up() -> None:
        # In the middle of things, as often as it takes for each of them to be hit.
        for _ in range(6):
            time.sleep(0.004)
            process.suspend()
            time.sleep(STORE_LIMIT + 0.1)
            process.resume()

    before, _ = alarms(service)
    assert asyncio.run(burst(httpx.URL(service.url), LOGIN, 300, hold_up)) == {b"415": 300}
    assert alarms(service)[0] == before
