"""A process that dies in the middle of a request leaves neither half of it behind."""

import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import httpx
import pytest

from tests.service import web
from tests.service.auth.credentials import me, refresh
from tests.service.shared import Join, Start
from tests.service.sql import blocked, fetch, held, until_blocked
from tests.service.support import PASSWORD, Service
from tests.support import wait_until

KEY = {"Idempotency-Key": "the-key"}
REPLAYED = "idempotent-replayed"


@pytest.fixture(scope="module")
def living(start_shared: Start) -> Service:
    """The process that lives on."""
    return start_shared()


@pytest.fixture
def dying(own_service: Callable[..., Service], living: Service) -> Service:
    """One beside it, on the same database."""
    return own_service(DATABASE_URL=living.environ["DATABASE_URL"])


@pytest.fixture
def database_url(living: Service) -> str:
    return living.environ["DATABASE_URL"]


@pytest.fixture
def body() -> dict[str, Any]:
    return {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}


def register(service: Service, body: dict[str, Any]) -> httpx.Response:
    headers = {"Idempotency-Key": body["email"]}
    return web.post(f"{service.url}/api/v1/auth/register", json=body, headers=headers)


@pytest.mark.parametrize("table", ["users", "idempotency_keys"])
def test_killed_process_leaves_the_key_free(
    dying: Service, living: Service, database_url: str, body: dict[str, Any], table: str
) -> None:
    with ThreadPoolExecutor(1) as threads:
        # It dies before it has done anything, or when all but the key is done.
        with held(database_url, f"LOCK TABLE {table} IN SHARE MODE"):
            lost = threads.submit(register, dying, body)
            until_blocked(database_url)
            assert register(living, body).status_code == 409
            dying.stop(signal.SIGKILL)
        assert isinstance(lost.exception(), httpx.TransportError)
    wait_until(lambda: not blocked(database_url), "the dead process's transaction to end")
    answers = wait_until(
        lambda: [each for each in [register(living, body)] if each.status_code != 409], "the key"
    )
    assert answers[0].status_code == 201
    again = register(living, body)
    assert (again.headers[REPLAYED], again.content) == ("true", answers[0].content)
    count = "SELECT count(*) FROM users WHERE email = %s"
    assert fetch(database_url, count, body["email"]) == [(1,)]


def test_refresh_that_died_can_be_sent_again(
    dying: Service, living: Service, database_url: str, newcomer: Join
) -> None:
    user = newcomer(living)
    token = user.tokens["refresh_token"]
    with ThreadPoolExecutor(1) as threads:
        with held(database_url, "LOCK TABLE idempotency_keys IN SHARE MODE"):
            lost = threads.submit(refresh, dying.url, token, **KEY)
            until_blocked(database_url)
            dying.stop(signal.SIGKILL)
        assert isinstance(lost.exception(), httpx.TransportError)
    answers = wait_until(
        lambda: [each for each in [refresh(living.url, token, **KEY)] if each.status_code != 409],
        "the key",
    )
    # Whether or not the dead process's transaction was kept, the token is not taken for stolen.
    assert answers[0].status_code == 200
    assert me(living.url, answers[0].json()["access_token"]) == 200
    assert refresh(living.url, answers[0].json()["refresh_token"]).status_code == 200
