"""A request that takes too long is given up, and one too many is refused at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing

import httpx

from tests.service.sql import fetch, held, until_blocked
from tests.service.support import Account, Service, register
from tests.support import wait_until

LOCK = "SELECT FROM users WHERE id = %s FOR UPDATE"
AT_ONCE = 4


def rename(account: Account, name: str) -> httpx.Response:
    """A request that waits for whoever holds the account's row."""
    with httpx.Client(base_url=account.http.base_url, timeout=20) as http:
        path = f"/api/v1/users/{account.id}"
        return http.patch(path, json={"name": name}, headers=account.http.headers)


def assert_come_back(answer: httpx.Response, detail: str) -> None:
    """A 503 in the contract's words."""
    assert answer.status_code == 503
    assert answer.headers["Content-Type"] == "application/problem+json"
    assert answer.headers["Retry-After"] == "1"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    problem = answer.json()
    assert problem["request_id"] == answer.headers["X-Request-ID"]
    assert problem["instance"] == answer.request.url.path
    assert detail in problem["detail"]


def test_request_that_takes_too_long_is_given_up(
    own_service: Callable[..., Service], database: str
) -> None:
    service = own_service(FLASK_REQUEST_TIMEOUT="1.5")
    account = register(service.url)
    with closing(account.http), held(database, LOCK, account.id):
        assert_come_back(rename(account, "Too Late"), "took too long")
    told = service.line(event="request given up")
    assert told["exception"]["frames"], told
    # Undone, and the connection it held is used again.
    assert fetch(database, "SELECT name FROM users WHERE id = %s", account.id) != [("Too Late",)]
    assert rename(account, "In Time").status_code == 200


def test_one_too_many_is_refused_at_once(
    own_service: Callable[..., Service], database: str
) -> None:
    service = own_service(FLASK_MAX_REQUESTS_IN_FLIGHT=str(AT_ONCE))
    account = register(service.url)
    with closing(account.http) as http, ThreadPoolExecutor(AT_ONCE) as pool:
        with held(database, LOCK, account.id):
            waiting = [pool.submit(rename, account, f"Name {at}") for at in range(AT_ONCE)]
            until_blocked(database, AT_ONCE)
            refused = http.get("/api/v1/auth/me")
            assert_come_back(refused, "Too many requests")
            for path in ("/health", "/health/live", "/health/ready", "/metrics"):
                assert http.get(path).status_code == 200, path
            # The connection outlives a refused body, small or large.
            for size in (10, 300_000):
                body = {"name": "x" * size}
                assert_come_back(http.patch(refused.url, json=body), "Too many requests")
        assert {each.result().status_code for each in waiting} == {200}
        assert http.get("/api/v1/auth/me").status_code == 200
    wait_until(lambda: len(service.lines(status=503)) >= 3, "a line for each refusal")
    assert [each["path"] for each in service.lines(status=503)] == ["/api/v1/auth/me"] * 3
