"""Rate limits: what they say, whose they are, and that every process counts with the others."""

import asyncio
import time
from ipaddress import ip_address
from uuid import uuid4

import httpx
import pytest

from tests.service import web
from tests.service.shared import Join, Start
from tests.service.support import PASSWORD, Service
from tests.valkey import Valkey

LOGIN = "/api/v1/auth/login"
REGISTER = "/api/v1/auth/register"
ME = "/api/v1/auth/me"
JSON = {"Content-Type": "application/json"}
LIMITS = {
    "RATELIMIT_ENABLED": "1",
    "RATELIMIT_DEFAULT": "7 per minute;100 per hour",
    "RATELIMIT_LOGIN": "5 per minute",
    "RATELIMIT_REGISTER": "3 per hour",
}


@pytest.fixture(scope="module")
def limited(start_shared: Start, valkey: Valkey) -> Service:
    """Limits that a test reaches; it trusts this machine, so tests come from any address."""
    return start_shared(**LIMITS, RATELIMIT_STORAGE_URI=valkey.url)


@pytest.fixture(scope="module")
def start_beside(start_shared: Start, limited: Service, valkey: Valkey) -> Start:
    """Starts another process with the same settings, store and database, but for what is given."""
    same = LIMITS | {
        "RATELIMIT_STORAGE_URI": valkey.url,
        "DATABASE_URL": limited.environ["DATABASE_URL"],
    }
    return lambda **other: start_shared(**(same | other))


@pytest.fixture(scope="module")
def twin(start_beside: Start) -> Service:
    """The other process."""
    return start_beside()


@pytest.fixture(autouse=True)
def beginning_of_a_window() -> None:
    """Far enough from the end of a minute, where all windows of the tests end, that none does."""
    while time.time() % 60 > 55:
        time.sleep(0.2)


@pytest.fixture
def address() -> str:
    """An address no other test comes from."""
    return str(ip_address(f"2001:db8::{uuid4().hex[:4]}:{uuid4().hex[:4]}"))


def from_(address: str) -> dict[str, str]:
    return {"X-Forwarded-For": address}


def log_in(service: Service, address: str, **headers: str) -> httpx.Response:
    # A body that costs nothing: it is counted before it is read.
    all_headers = JSON | from_(address) | headers
    return web.post(f"{service.url}{LOGIN}", content="{}", headers=all_headers)


def test_answers_say_where_the_client_stands(
    limited: Service, valkey: Valkey, address: str
) -> None:
    answers = [log_in(limited, address) for _ in range(6)]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    assert [answer.headers["x-ratelimit-limit"] for answer in answers] == ["5"] * 6
    remaining = [answer.headers["x-ratelimit-remaining"] for answer in answers]
    assert remaining == ["4", "3", "2", "1", "0", "0"]
    window_ends = valkey.expiry(f"LIMITS:LIMITER/{address}/auth.login/5/1/minute")
    for answer in answers:
        # Whoever waits until then is not refused again, nor waits a second more than is needed.
        assert 0 <= int(answer.headers["x-ratelimit-reset"]) - window_ends < 2
        for name in ("limit", "remaining", "reset"):
            assert len(answer.headers.get_list(f"x-ratelimit-{name}")) == 1


def test_refusal_is_a_problem_that_says_when_to_come_back(
    limited: Service, valkey: Valkey, address: str
) -> None:
    for _ in range(5):
        log_in(limited, address)
    answer = log_in(limited, address)
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (body["status"], body["title"]) == (429, "Too Many Requests")
    assert body["request_id"] == answer.headers["x-request-id"]
    wait = int(answer.headers["retry-after"])
    window_ends = valkey.expiry(f"LIMITS:LIMITER/{address}/auth.login/5/1/minute")
    assert 0 <= time.time() + wait - window_ends < 3
    assert answer.headers["x-content-type-options"] == "nosniff"


async def together(
    services: list[Service], path: str, body: object, count: int, address: str
) -> list[int]:
    """The statuses of that many requests at once."""
    async with httpx.AsyncClient(timeout=30, headers=from_(address)) as client:
        urls = [f"{services[number % len(services)].url}{path}" for number in range(count)]
        answers = await asyncio.gather(*(client.post(url, json=body) for url in urls))
    return [answer.status_code for answer in answers]


def test_two_processes_let_through_exactly_the_limit(
    limited: Service, twin: Service, address: str
) -> None:
    statuses = asyncio.run(together([limited, twin], LOGIN, {}, 50, address))
    assert sorted(statuses) == [422] * 5 + [429] * 45
    assert log_in(twin, address).status_code == 429


def test_registration_has_a_limit_of_its_own(limited: Service, twin: Service, address: str) -> None:
    for _ in range(6):
        log_in(limited, address)
    statuses = asyncio.run(together([limited, twin], REGISTER, {}, 20, address))
    assert sorted(statuses) == [422] * 3 + [429] * 17


def test_counters_are_flask_limiters(limited: Service, valkey: Valkey, address: str) -> None:
    log_in(limited, address)
    assert valkey.get(f"LIMITS:LIMITER/{address}/auth.login/5/1/minute") == "1"


def test_user_has_one_limit_wherever_they_are(
    limited: Service, twin: Service, newcomer: Join
) -> None:
    people = [newcomer_at(limited, newcomer) for _ in range(2)]
    for number in range(14):
        service = (limited, twin)[number % 2]
        answer = web.get(f"{service.url}{ME}", headers=people[0] | from_(f"198.51.100.{number}"))
        assert answer.status_code == (200 if number < 7 else 429), number
    assert web.get(f"{limited.url}{ME}", headers=people[1]).status_code == 200


def newcomer_at(service: Service, newcomer: Join) -> dict[str, str]:
    """The credential of somebody new, who registered at an address of their own."""
    address = f"2001:db8:1::{uuid4().hex[:4]}"
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    with web.client(base_url=service.url, headers=from_(address)) as client:
        assert client.post(REGISTER, json=body).status_code == 201
        tokens = client.post(LOGIN, json=body).json()
    return {"Authorization": f"Bearer {tokens['access_token']}"}


@pytest.mark.parametrize("credential", [{}, {"Authorization": "Bearer a.b.c"}])
def test_nobody_is_counted_by_address(
    limited: Service, address: str, credential: dict[str, str]
) -> None:
    headers = from_(address) | credential
    statuses = [web.get(f"{limited.url}{ME}", headers=headers).status_code for _ in range(9)]
    assert statuses == [401] * 7 + [429] * 2
    other = from_("192.0.2.7") | credential
    assert web.get(f"{limited.url}{ME}", headers=other).status_code == 401


def test_tightest_of_several_limits_is_shown(limited: Service, address: str) -> None:
    answer = web.get(f"{limited.url}{ME}", headers=from_(address))
    assert answer.headers["x-ratelimit-limit"] == "7"


def test_refused_requests_do_not_use_up_the_longer_limit(
    limited: Service, valkey: Valkey, address: str
) -> None:
    for _ in range(12):
        web.get(f"{limited.url}{ME}", headers=from_(address))
    # As with Flask-Limiter: else a minute of impatience costs the whole hour.
    assert valkey.get(f"LIMITS:LIMITER/{address}/auth.me/100/1/hour") == "7"


def test_questions_of_browsers_and_probes_are_not_counted(limited: Service, address: str) -> None:
    for _ in range(9):
        assert web.options(f"{limited.url}{LOGIN}", headers=from_(address)).status_code == 200
        for path in ("/health", "/health/live", "/metrics", "/nowhere"):
            answer = web.get(f"{limited.url}{path}", headers=from_(address))
            assert answer.status_code in {200, 404}
            assert "x-ratelimit-limit" not in answer.headers
    assert log_in(limited, address).headers["x-ratelimit-remaining"] == "4"


def test_forged_address_changes_nothing(start_beside: Start) -> None:
    service = start_beside(FORWARDED_ALLOW_IPS="192.0.2.1")
    answers = [
        log_in(service, f"203.0.113.{number}", **{"Remote-Addr": f"203.0.113.{number}"})
        for number in range(6)
    ]
    assert [answer.status_code for answer in answers] == [422] * 5 + [429]
    line = service.line(request_id=answers[0].headers["x-request-id"])
    assert line["client"] == "127.0.0.1"
