"""Sentry hears of every unexpected exception and of no secret, and nobody waits for it."""

import time
from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.service import web
from tests.service.observability import faulty
from tests.service.observability.receivers import Receiver
from tests.service.support import Account, Service, register
from tests.support import free_port, silent_port, wait_until

Start = Callable[..., Service]
Register = Callable[[Service], Account]


@pytest.fixture
def made() -> Iterator[Callable[[Service], Account]]:
    """Registers somebody."""
    accounts: list[Account] = []

    def make(service: Service) -> Account:
        accounts.append(register(service.url))
        return accounts[-1]

    yield make
    for each in accounts:
        each.http.close()


def fail(account: Account, number: int = 7) -> httpx.Response:
    """A request that ends in an exception, with a secret wherever a request can carry one."""
    answer = account.http.post(
        f"/faulty/{number}?token=secret-in-the-query",
        content=b'{"password": "secret-in-the-body"}',
        headers={
            "X-Request-ID": "failed-request",
            "X-Api-Key": "secret-in-a-header",
            "Cookie": "session=secret-in-a-cookie",
            "User-Agent": "secret-user-agent",
        },
    )
    assert answer.status_code == 500
    return answer


def test_error_arrives_with_its_request_and_without_secrets(
    start: Start, receiver: Receiver, made: Register
) -> None:
    service = start(SENTRY_DSN=receiver.dsn, SENTRY_ENVIRONMENT="staging", GIT_COMMIT="0123abc")
    account = made(service)
    web.get(f"{service.url}/nowhere")
    assert account.http.get(f"/api/v1/users/{account.id + 1}").status_code == 403
    fail(account)
    (event,) = wait_until(receiver.events, "the event")
    assert service.stop() == 0
    assert len(receiver.events()) == 1  # a 404 and a 403 are no errors
    assert event["tags"] == {
        "request_id": "failed-request",
        "method": "POST",
        "route": "/faulty/<int:number>",
    }
    assert event["user"] == {"id": str(account.id)}
    assert event["request"] == {"method": "POST", "url": "/faulty/7"}
    assert event["transaction"] == "POST /faulty/<int:number>"
    assert event["environment"] == "staging"
    assert event["release"].startswith("quartermaster@")
    assert event["release"].endswith("+0123abc")
    (exception,) = event["exception"]["values"]
    assert exception["type"] == "RuntimeError"
    assert exception["value"].startswith("7: cannot reach postgresql://service:[redacted]@")
    assert "fail" in {frame["function"] for frame in exception["stacktrace"]["frames"]}
    arrived = receiver.everything()
    for secret in (
        faulty.PASSWORD,
        faulty.TOKEN,
        "s3cr3t-of-the-database",
        faulty.ROW,
        "secret-in-",
        "secret-user-agent",
        account.email,
        account.password,
        account.tokens["access_token"],
        account.tokens["refresh_token"],
    ):
        # The factory's own source is in the event, with the constants' names, not their values.
        assert secret.encode() not in arrived, secret


def test_durations_are_told_for_the_share_that_is_wanted(
    start: Start, receiver: Receiver, made: Register
) -> None:
    service = start(SENTRY_DSN=receiver.dsn, SENTRY_TRACES_SAMPLE_RATE="1", SENTRY_ENVIRONMENT="")
    account = made(service)
    for path in (f"/api/v1/users/{account.id}?secret=in-the-query", "/health", "/metrics"):
        account.http.get(path)
    assert service.stop() == 0
    told = receiver.events("transaction")
    names = [event["transaction"] for event in told]
    assert "GET /api/v1/users/{user_id}" in names
    assert not [name for name in names if "health" in name or "metrics" in name]
    assert {event["environment"] for event in told} == {"testing"}
    assert b"in-the-query" not in receiver.everything()
    assert account.tokens["access_token"].encode() not in receiver.everything()


def test_receiver_that_is_away_or_hangs_slows_nobody_and_not_the_stop(
    start: Start, made: Register
) -> None:
    with silent_port() as silent:
        for port in (silent, free_port()):
            service = start(SENTRY_DSN=f"http://key@127.0.0.1:{port}/1")
            account = made(service)
            began = time.perf_counter()
            for number in range(110):  # more than the queue holds
                fail(account, number)
            assert time.perf_counter() - began < 10
            assert web.get(f"{service.url}/health").status_code == 200
            account.http.close()
            began = time.perf_counter()
            assert service.stop() == 0
            # Two for idle connections at most, two for the receiver, and a slow machine.
            assert time.perf_counter() - began < 6


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SENTRY_DSN", "https://sentry.example.com/1"),
        ("SENTRY_DSN", "https://key@sentry.example.com/"),
        ("SENTRY_TRACES_SAMPLE_RATE", "2"),
        ("OTEL_EXPORTER_OTLP_ENDPOINT", "collector:4317"),
    ],
)
def test_wrong_values_stop_the_start_unprinted(name: str, value: str) -> None:
    from service.config import ConfigurationError, load  # noqa: PLC0415

    with pytest.raises(ConfigurationError) as caught:
        load("testing", {name: value})
    assert [each.split()[0] for each in caught.value.problems] == [name]
    assert value not in str(caught.value) or len(value) == 1
