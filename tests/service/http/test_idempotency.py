"""`Idempotency-Key`: what is sent again is done once, and answered as it was the first time."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from uuid import uuid4

import pytest

from tests.service.auth.credentials import bearer, post
from tests.service.http.replays import REPLAYED, assert_replay, send
from tests.service.shared import Join
from tests.service.sql import fetch, held, until_blocked
from tests.service.support import PASSWORD, Account, Service

USERS = "/api/v1/users"


@pytest.fixture
def database_url(service: Service) -> str:
    return service.environ["DATABASE_URL"]


@pytest.fixture
def key() -> str:
    return uuid4().hex


@pytest.fixture
def body() -> dict[str, Any]:
    return {"email": f"{uuid4().hex}@example.com", "password": PASSWORD, "name": "Ada"}


def rows(url: str, body: dict[str, Any]) -> int:
    [(count,)] = fetch(url, "SELECT count(*) FROM users WHERE email = %s", body["email"])
    return int(count)


def test_registration_is_done_once(
    service: Service, database_url: str, key: str, body: dict[str, Any]
) -> None:
    first = send(service, key, body)
    assert first.status_code == 201
    for _ in range(2):
        assert_replay(send(service, key, body), first)
    assert rows(database_url, body) == 1


def test_creation_is_done_once(
    service: Service, admin: Account, database_url: str, key: str, body: dict[str, Any]
) -> None:
    as_admin = bearer(admin.tokens["access_token"])
    first = send(service, key, body, USERS, **as_admin)
    assert first.headers["location"] == f"{USERS}/{first.json()['id']}"
    assert_replay(send(service, key, body, USERS, **as_admin), first)
    assert rows(database_url, body) == 1


def test_key_of_another_request_is_refused(
    service: Service, key: str, body: dict[str, Any]
) -> None:
    first = send(service, key, body)
    for other in (body | {"name": "Grace"}, body | {"password": "another one"}):
        answer = send(service, key, other)
        assert answer.status_code == 422
        assert answer.headers["content-type"] == "application/problem+json"
        assert body["email"] not in answer.text
    assert_replay(send(service, key, body), first)


def test_quotes_are_not_part_of_the_key(service: Service, key: str, body: dict[str, Any]) -> None:
    first = send(service, f'"{key}"', body)
    assert_replay(send(service, key, body), first)


@pytest.mark.parametrize(
    "malformed",
    [
        b"",
        b'""',
        b'"',
        b'"x',
        b'x"',
        b'a"b',
        b'"a"b"',
        b'"a";b=1',
        b"a b",
        b'"a\tb"',
        b"a\tb",
        b"x" * 256,
        b'"' + b"x" * 256 + b'"',
        "é".encode(),
        b'"\xff"',
    ],
)
def test_malformed_key_is_a_400(
    service: Service, database_url: str, body: dict[str, Any], malformed: bytes
) -> None:
    answer = send(service, malformed, body)
    assert answer.status_code == 400
    assert "Idempotency-Key" in answer.json()["detail"]
    assert rows(database_url, body) == 0


@pytest.mark.parametrize("shape", ["{}", '"{}"', '"with {} in it"'])
@pytest.mark.parametrize("length", [32, 244])
def test_well_formed_keys(
    service: Service, key: str, body: dict[str, Any], shape: str, length: int
) -> None:
    first = send(service, shape.format(key.ljust(length, "~")), body)
    assert first.status_code == 201
    assert_replay(send(service, shape.format(key.ljust(length, "~")), body), first)


def test_failure_is_not_kept(
    service: Service, user: Account, database_url: str, key: str, body: dict[str, Any]
) -> None:
    taken = body | {"email": user.email}
    for _ in range(2):
        answer = send(service, key, taken)
        assert (answer.status_code, answer.headers.get(REPLAYED)) == (409, None)
    assert send(service, key, {"email": "x"}).status_code == 422
    # The address is free again: the request that failed may now succeed.
    fetch(database_url, "DELETE FROM users WHERE id = %s", user.id)
    assert send(service, key, taken).status_code == 201


def test_keys_are_each_callers_and_each_routes_own(
    service: Service, admin: Account, newcomer: Join, key: str, body: dict[str, Any]
) -> None:
    other = newcomer(service)
    fetch(
        service.environ["DATABASE_URL"], "UPDATE users SET role = 'admin' WHERE id = %s", other.id
    )
    mine = bearer(admin.tokens["access_token"])
    theirs = bearer(other.tokens["access_token"])
    assert send(service, key, body, USERS, **mine).status_code == 201
    assert send(service, key, body, USERS, **theirs).status_code == 409
    assert send(service, key, body).status_code == 409
    another = body | {"email": f"{uuid4().hex}@example.com"}
    assert send(service, key, another, USERS, **theirs).status_code == 201


def test_replay_needs_the_callers_credential(
    service: Service, admin: Account, user: Account, key: str, body: dict[str, Any]
) -> None:
    assert send(service, key, body, USERS, **bearer(admin.tokens["access_token"])).is_success
    assert send(service, key, body, USERS).status_code == 401
    assert send(service, key, body, USERS, **bearer(user.tokens["access_token"])).status_code == 403


def test_expired_key_works_anew(
    service: Service, database_url: str, key: str, body: dict[str, Any]
) -> None:
    assert send(service, key, body).status_code == 201
    fetch(database_url, "UPDATE idempotency_keys SET expires_at = now() - interval '1 s'")
    assert send(service, key, body).status_code == 409
    fetch(database_url, "DELETE FROM users WHERE email = %s", body["email"])
    first = send(service, key, body)
    assert (first.status_code, first.headers.get(REPLAYED)) == (201, None)
    assert_replay(send(service, key, body), first)


def test_expired_keys_are_swept_away(
    service: Service, database_url: str, key: str, body: dict[str, Any]
) -> None:
    fetch(
        database_url,
        "INSERT INTO idempotency_keys SELECT sha256(n::text::bytea), '', '', now() - interval '2 d'"
        " FROM generate_series(1, 150) AS n",
    )
    assert send(service, key, body).status_code == 201
    expired = "SELECT count(*) FROM idempotency_keys WHERE expires_at < now() - interval '1 d'"
    assert fetch(database_url, expired) == [(0,)]


def test_of_many_at_once_one_is_done(
    service: Service, database_url: str, key: str, body: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(20) as threads:
        answers = list(threads.map(lambda _: send(service, key, body), range(20)))
    kinds = Counter((answer.status_code, answer.headers.get(REPLAYED)) for answer in answers)
    assert kinds.pop((201, None)) == 1
    assert set(kinds) <= {(201, "true"), (409, None)}
    assert {answer.headers["retry-after"] for answer in answers if answer.status_code == 409} <= {
        "1"
    }
    assert len({answer.content for answer in answers if answer.is_success}) == 1
    assert rows(database_url, body) == 1


def test_second_while_the_first_is_worked_on_is_told_to_wait(
    service: Service, database_url: str, key: str, body: dict[str, Any]
) -> None:
    with ThreadPoolExecutor(1) as threads:
        with held(database_url, "LOCK TABLE users IN SHARE MODE"):
            first = threads.submit(send, service, key, body)
            until_blocked(database_url)
            second = send(service, key, body)
        assert (second.status_code, second.headers["retry-after"]) == (409, "1")
        assert first.result().status_code == 201
    assert_replay(send(service, key, body), first.result())


def test_key_on_a_route_without_them_is_ignored(service: Service, user: Account) -> None:
    headers = {"Idempotency-Key": "x" * 300}
    answer = post(service.url, "logout", user.tokens["access_token"], headers=headers)
    assert answer.status_code == 204
