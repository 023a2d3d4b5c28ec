"""Registration, login and tokens over HTTP."""

import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import httpx
import jwt
import pytest

from service.config import DEVELOPMENT_JWT_SECRET
from tests.service.support import PASSWORD, Account, Service
from tests.support import execute

BASE = "/api/v1/auth"


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


def forged(user: Account, key: str = DEVELOPMENT_JWT_SECRET, **changes: object) -> str:
    claims = jwt.decode(user.tokens["access_token"], options={"verify_signature": False})
    claims = {name: value for name, value in (claims | changes).items() if value is not None}
    return jwt.encode(claims, key, "HS256")


def test_register_shows_the_user_and_never_the_password(client: httpx.Client) -> None:
    email = f"{uuid4().hex}@example.com"
    answer = client.post(
        f"{BASE}/register", json={"email": email.upper(), "password": PASSWORD, "name": "Ada"}
    )
    assert answer.status_code == 201
    body = answer.json()
    assert (body["email"], body["name"], body["role"], body["active"]) == (
        email,
        "Ada",
        "user",
        True,
    )
    assert answer.headers["location"] == f"/api/v1/users/{body['id']}"
    assert "password" not in answer.text
    assert "scrypt" not in answer.text


def test_second_user_with_the_address_is_a_conflict(client: httpx.Client, user: Account) -> None:
    answer = client.post(
        f"{BASE}/register", json={"email": user.email.title(), "password": PASSWORD}
    )
    assert answer.status_code == 409
    assert answer.json()["errors"] == [{"field": "email", "message": "is already in use"}]


def test_of_many_registrations_at_once_one_succeeds(client: httpx.Client) -> None:
    body = {"email": f"{uuid4().hex}@example.com", "password": PASSWORD}
    with ThreadPoolExecutor(8) as threads:
        statuses = list(
            threads.map(lambda _: client.post(f"{BASE}/register", json=body).status_code, range(8))
        )
    assert sorted(statuses) == [201] + [409] * 7


def test_login_gives_tokens_no_cache_keeps(client: httpx.Client, user: Account) -> None:
    answer = client.post(f"{BASE}/login", json={"email": user.email, "password": user.password})
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    body = answer.json()
    assert (body["token_type"], body["expires_in"]) == ("Bearer", 900)
    access = jwt.decode(body["access_token"], options={"verify_signature": False})
    # What Flask-JWT-Extended puts in, so that its side reads these tokens too.
    assert set(access) == {"fresh", "iat", "jti", "type", "sub", "nbf", "csrf", "exp"}
    assert (access["type"], access["fresh"], access["sub"]) == ("access", True, str(user.id))
    refresh = jwt.decode(body["refresh_token"], options={"verify_signature": False})
    assert (refresh["type"], refresh["exp"] - refresh["iat"]) == ("refresh", 2_592_000)


def test_wrong_password_and_unknown_user_get_the_same_answer(
    client: httpx.Client, user: Account
) -> None:
    answers = [
        client.post(f"{BASE}/login", json={"email": email, "password": "wrong password"})
        for email in (user.email, "nobody@example.com", "not an address")
    ]
    assert {answer.status_code for answer in answers} == {401}
    assert len({answer.json()["detail"] for answer in answers}) == 1
    assert answers[0].headers["www-authenticate"] == "Bearer"


def test_me_is_the_user_of_the_token(user: Account) -> None:
    assert user.http.get(f"{BASE}/me").json()["email"] == user.email


def test_refresh_token_works_once(client: httpx.Client, user: Account) -> None:
    headers = bearer(user.tokens["refresh_token"])
    first = client.post(f"{BASE}/refresh", headers=headers)
    assert first.status_code == 200
    assert client.get(f"{BASE}/me", headers=bearer(first.json()["access_token"])).is_success
    assert client.post(f"{BASE}/refresh", headers=headers).status_code == 401


def test_of_many_refreshes_at_once_one_succeeds(client: httpx.Client, user: Account) -> None:
    headers = bearer(user.tokens["refresh_token"])
    with ThreadPoolExecutor(8) as threads:
        statuses = list(
            threads.map(
                lambda _: client.post(f"{BASE}/refresh", headers=headers).status_code, range(8)
            )
        )
    assert sorted(statuses) == [200] + [401] * 7


def test_logout_ends_the_token_at_once(user: Account) -> None:
    assert user.http.post(f"{BASE}/logout").status_code == 204
    assert user.http.get(f"{BASE}/me").status_code == 401


@pytest.mark.parametrize(
    "header", [None, "", "Bearer", "Basic dTpw", "Bearer a.b.c", "Bearer \xff"]
)
def test_what_is_no_token_is_a_401(client: httpx.Client, header: str | None) -> None:
    headers = {} if header is None else {"Authorization": header.encode("latin1")}
    answer = client.get(f"{BASE}/me", headers=headers)
    assert answer.status_code == 401
    assert answer.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": 1},
        {"sub": None},
        {"sub": 1},
        {"sub": "one"},
        {"sub": "9" * 30},
        {"type": "refresh"},
        {"nbf": time.time() + 3600},
    ],
)
def test_claims_that_do_not_hold_are_a_401(
    client: httpx.Client, user: Account, changes: dict[str, object]
) -> None:
    assert client.get(f"{BASE}/me", headers=bearer(forged(user))).is_success
    token = forged(user, **changes)
    assert client.get(f"{BASE}/me", headers=bearer(token)).status_code == 401


def test_another_key_and_no_signature_are_a_401(client: httpx.Client, user: Account) -> None:
    claims = jwt.decode(user.tokens["access_token"], options={"verify_signature": False})
    for token in (forged(user, key="x" * 40), jwt.encode(claims, None, "none")):
        assert client.get(f"{BASE}/me", headers=bearer(token)).status_code == 401


def test_access_token_does_not_refresh(client: httpx.Client, user: Account) -> None:
    headers = bearer(user.tokens["access_token"])
    assert client.post(f"{BASE}/refresh", headers=headers).status_code == 401


def test_inactive_user_is_out_at_once(service: Service, user: Account, admin: Account) -> None:
    admin.http.patch(f"/api/v1/users/{user.id}", json={"active": False})
    assert user.http.get(f"{BASE}/me").status_code == 401
    answer = httpx.post(
        f"{service.url}{BASE}/login", json={"email": user.email, "password": PASSWORD}
    )
    assert answer.status_code == 401


def test_flask_side_hash_logs_in(service: Service, user: Account) -> None:
    # pbkdf2, as Werkzeug wrote it before 3.0: the hash of "correct horse battery".
    from werkzeug.security import generate_password_hash  # noqa: PLC0415

    stored = generate_password_hash(PASSWORD, "pbkdf2:sha256:1000")
    url = service.environ["DATABASE_URL"]
    execute(url, f"UPDATE users SET password_hash = '{stored}' WHERE id = {user.id}")
    answer = httpx.post(
        f"{service.url}{BASE}/login", json={"email": user.email, "password": PASSWORD}
    )
    assert answer.status_code == 200
