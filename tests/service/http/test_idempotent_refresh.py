"""A refresh that is sent again: the same pair, and no suspicion; and nothing secret is kept."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.service import web
from tests.service.auth.credentials import bearer, flask_token, me, refresh
from tests.service.http.replays import assert_replay, send
from tests.service.shared import Join
from tests.service.sql import fetch
from tests.service.support import Account, Service


@pytest.fixture
def key() -> str:
    return uuid4().hex


def test_refresh_that_is_sent_again_gets_the_same_pair(
    service: Service, user: Account, key: str
) -> None:
    token = user.tokens["refresh_token"]
    first, again = (refresh(service.url, token, **{"Idempotency-Key": key}) for _ in range(2))
    assert_replay(again, first)
    assert again.headers.get_list("cache-control") == ["no-store"]
    # Sent again, not used again: the family lives.
    pair = first.json()
    assert me(service.url, pair["access_token"]) == 200
    assert refresh(service.url, pair["refresh_token"]).status_code == 200


def test_refresh_under_another_key_is_a_reuse(service: Service, user: Account) -> None:
    token = user.tokens["refresh_token"]
    pair = refresh(service.url, token, **{"Idempotency-Key": "first"}).json()
    assert refresh(service.url, token, **{"Idempotency-Key": "second"}).status_code == 401
    assert me(service.url, pair["access_token"]) == 401
    # The first key still has its answer, but that pair has ended with its family.
    again = refresh(service.url, token, **{"Idempotency-Key": "first"})
    assert not again.is_success or me(service.url, again.json()["access_token"]) == 401


def test_refreshes_at_once_under_one_key_give_one_pair(
    service: Service, user: Account, key: str
) -> None:
    token = user.tokens["refresh_token"]
    with ThreadPoolExecutor(10) as threads:
        answers = list(
            threads.map(
                lambda _: refresh(service.url, token, **{"Idempotency-Key": key}), range(10)
            )
        )
    assert {answer.status_code for answer in answers} <= {200, 409}
    pairs = {answer.content for answer in answers if answer.is_success}
    assert len(pairs) == 1
    (access,) = {answer.json()["access_token"] for answer in answers if answer.is_success}
    assert me(service.url, access) == 200


def test_tokens_without_an_id_do_not_share_their_keys(
    service: Service, user: Account, newcomer: Join, key: str
) -> None:
    other = newcomer(service)
    mine, theirs = (
        refresh(
            service.url, flask_token(each.id, "refresh", jti=None), **{"Idempotency-Key": key}
        ).json()
        for each in (user, other)
    )
    for account, pair in ((user, mine), (other, theirs)):
        headers = bearer(pair["access_token"])
        answer = web.get(f"{service.url}/api/v1/auth/me", headers=headers)
        assert answer.json()["id"] == account.id


def stored_bytes(url: str) -> bytes:
    """Everything in the table of keys."""
    return b"\n".join(
        bytes(value)
        for row in fetch(url, "SELECT key, fingerprint, answer FROM idempotency_keys")
        for value in row
    )


@pytest.mark.parametrize("rotation", [True, False])
def test_nothing_secret_is_kept(
    service: Service,
    own_service: Callable[..., Service],
    newcomer: Join,
    rotation: bool,
) -> None:
    key = f"key-{uuid4()}"
    if not rotation:
        service = own_service(JWT_REFRESH_TOKEN_ROTATION="0")
    user = newcomer(service)
    body = {"email": f"{uuid4().hex}@example.com", "password": "very secret"}
    assert send(service, key, body).status_code == 201
    token = user.tokens["refresh_token"]
    first, again = (refresh(service.url, token, **{"Idempotency-Key": key}) for _ in range(2))
    assert_replay(again, first)
    kept = stored_bytes(service.environ["DATABASE_URL"])
    secrets = [token, *first.json().values(), "very secret", key]
    for secret in {str(secret) for secret in secrets} - {"Bearer", "900"}:
        assert secret.encode() not in kept
        # Nor the signature alone, from which the rest could be made again.
        assert secret.rpartition(".")[2].encode() not in kept
