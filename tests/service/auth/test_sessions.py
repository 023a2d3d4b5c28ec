"""Flask's session cookie: read in both directions, and ended here."""

import time
from collections.abc import Callable
from typing import Any

import pytest
from flask.sessions import SecureCookieSessionInterface
from itsdangerous import URLSafeTimedSerializer

from tests.service import web
from tests.service.auth.credentials import (
    BASE,
    ME,
    bearer,
    change_password,
    cookies_set,
    flask_app,
    me_by_session,
    post,
    try_login,
)
from tests.service.shared import Join
from tests.service.sql import fetch, held
from tests.service.support import Account, Service

DAY = 86_400


def flask_serializer() -> URLSafeTimedSerializer:
    """What a Flask application with the service's key signs its sessions with."""
    made = SecureCookieSessionInterface().get_signing_serializer(flask_app())
    assert isinstance(made, URLSafeTimedSerializer)
    return made


def flask_cookie(data: Any, age: float = 0) -> str:
    """A session of a Flask application, signed `age` seconds ago."""
    serializer = flask_serializer()
    signer = serializer.make_signer(serializer.salt)
    signer.get_timestamp = lambda: int(time.time() - age)  # type: ignore[method-assign]
    payload: bytes = serializer.dump_payload(data)
    return signer.sign(payload).decode()


def test_session_made_by_flask_is_read_here(service: Service, user: Account) -> None:
    answer = me_by_session(service.url, flask_cookie({"user_id": user.id, "theme": "dark"}))
    assert (answer.status_code, answer.json()["email"]) == (200, user.email)


def test_session_made_here_is_read_by_flask(user: Account) -> None:
    app = flask_app()
    with app.test_request_context(headers={"Cookie": f"session={user.http.cookies['session']}"}):
        from flask import session  # noqa: PLC0415 - beside the context it belongs to

        assert session["user_id"] == user.id


def test_session_says_who_only_where_there_is_no_token(
    service: Service, user: Account, admin: Account
) -> None:
    cookie = {"Cookie": f"session={flask_cookie({'user_id': user.id})}"}
    by_token = bearer(admin.tokens["access_token"])
    answer = web.get(f"{service.url}{ME}", headers=cookie | by_token)
    assert answer.json()["id"] == admin.id
    assert "cookie" not in answer.headers.get("vary", "").lower()
    answer = web.get(f"{service.url}{ME}", headers=cookie | bearer("not.a.token"))
    assert answer.status_code == 401


def test_answers_by_session_are_kept_apart_by_caches(service: Service, user: Account) -> None:
    for cookie in (flask_cookie({"user_id": user.id}), "nobody's"):
        vary = me_by_session(service.url, cookie).headers.get_list("vary")
        assert len(vary) == 1
        assert "Cookie" in vary[0].split(", ")


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/api/v1/users"),
        ("POST", "/api/v1/users"),
        ("GET", "/api/v1/users/{id}"),
        ("PATCH", "/api/v1/users/{id}"),
        ("DELETE", "/api/v1/users/{id}"),
        ("POST", f"{BASE}/refresh"),
        ("POST", f"{BASE}/password"),
    ],
)
def test_session_opens_no_other_route(
    service: Service, user: Account, method: str, path: str
) -> None:
    headers = {"Cookie": f"session={user.http.cookies['session']}"}
    url = service.url + path.format(id=user.id)
    answer = web.request(method, url, headers=headers, json={"name": "x"})
    assert answer.status_code == 401


@pytest.mark.parametrize(("days", "status"), [(30, 200), (32, 401)])
def test_session_lives_for_31_days_as_in_flask(
    service: Service, user: Account, days: int, status: int
) -> None:
    cookie = flask_cookie({"user_id": user.id}, age=days * DAY)
    assert me_by_session(service.url, cookie).status_code == status


def test_session_of_somebody_inactive_is_refused(
    service: Service, user: Account, admin: Account
) -> None:
    admin.http.patch(f"/api/v1/users/{user.id}", json={"active": False})
    for cookie in (user.http.cookies["session"], flask_cookie({"user_id": user.id})):
        assert me_by_session(service.url, cookie).status_code == 401


def tampered(cookie: str) -> list[str]:
    payload, moment, signature = cookie.split(".")
    other, _, _ = flask_cookie({"user_id": 1}).split(".")
    return [
        f"{other}.{moment}.{signature}",
        f"{payload}.{moment}.{signature[::-1]}",
        f"{payload}.AAAAAA.{signature}",
        f"{payload}.{moment}",
        f".{cookie}",
        f"\xff{cookie}",
        "",
        "." * 50,
        '"',
    ]


def test_tampered_session_is_no_session(service: Service, user: Account) -> None:
    for cookie in tampered(flask_cookie({"user_id": user.id})):
        headers = {"Cookie": b"session=" + cookie.encode("latin-1")}
        answer = web.get(f"{service.url}{ME}", headers=headers)
        assert answer.status_code == 401, cookie


ACCEPTED: list[Callable[[int], object]] = [
    lambda user_id: {"user_id": user_id},
    lambda user_id: {"user_id": str(user_id)},
    lambda user_id: {"user_id": user_id, "jti": 7},
    lambda user_id: {"user_id": user_id, "jti": "session:" + "x" * 99},
    lambda user_id: {"user_id": user_id, "jti": "session:\x00"},
    lambda user_id: {"user_id": user_id, "jti": "session:\ud800"},
]
REFUSED: list[Callable[[int], object]] = [
    lambda _: {"user_id": True},
    lambda user_id: {"user_id": -user_id},
    lambda _: {"user_id": 0},
    lambda _: {"user_id": 2**63},
    lambda _: {"user_id": 10**400},
    lambda user_id: {"user_id": f"{user_id:019}0"},
    lambda _: {"user_id": "9" * 5000},
    lambda _: {"user_id": "²"},
    lambda user_id: {"user_id": user_id + 0.5},
    lambda user_id: {"user_id": [user_id]},
    lambda user_id: {"user_id": {"id": user_id}},
    lambda _: {"user_id": None},
    lambda user_id: {"id": user_id},
    lambda _: {},
    lambda user_id: [user_id],
    lambda user_id: user_id,
    lambda _: "user_id",
    lambda _: None,
]


@pytest.mark.parametrize(
    ("saying", "status"),
    [(each, 200) for each in ACCEPTED] + [(each, 401) for each in REFUSED],
    ids=[repr(each(1))[:40] for each in ACCEPTED + REFUSED],
)
def test_odd_sessions(
    service: Service, user: Account, saying: Callable[[int], object], status: int
) -> None:
    answer = me_by_session(service.url, flask_cookie(saying(user.id)))
    assert answer.status_code == status, answer.text[:200]


@pytest.mark.parametrize("payload", [b"", b"!", b"e30x", b".AAAA", b".eJw"])
def test_signed_garbage_is_no_session(service: Service, payload: bytes) -> None:
    serializer = flask_serializer()
    cookie = serializer.make_signer(serializer.salt).sign(payload).decode()
    assert me_by_session(service.url, cookie).status_code == 401


def test_logout_ends_the_session_and_takes_the_cookie_away(service: Service, user: Account) -> None:
    cookie = user.http.cookies["session"]
    assert me_by_session(service.url, cookie).status_code == 200
    # No token: whoever has nothing but the session can leave too.
    headers = {"Cookie": f"session={cookie}"}
    answer = web.post(f"{service.url}{BASE}/logout", headers=headers)
    assert answer.status_code == 204
    assert cookies_set(answer)["session"]["value"] == ""
    assert cookies_set(answer)["session"]["expires"].startswith("Thu, 01 Jan 1970")
    assert me_by_session(service.url, cookie).status_code == 401


def test_logout_by_token_ends_the_session_beside_it(service: Service, user: Account) -> None:
    other = cookies_set(try_login(service.url, user.email))["session"]["value"]
    headers = {"Cookie": f"session={other}"}
    assert post(service.url, "logout", user.tokens["access_token"], headers=headers).is_success
    for cookie in (other, user.http.cookies["session"]):
        assert me_by_session(service.url, cookie).status_code == 401


def test_logout_leaves_somebody_elses_session(
    service: Service, user: Account, newcomer: Join
) -> None:
    other = newcomer(service).http.cookies["session"]
    headers = {"Cookie": f"session={other}"}
    assert post(service.url, "logout", user.tokens["access_token"], headers=headers).is_success
    assert me_by_session(service.url, other).status_code == 200


def test_new_password_ends_every_session_but_its_own(service: Service, user: Account) -> None:
    earlier = [user.http.cookies["session"], flask_cookie({"user_id": user.id})]
    answer = change_password(service.url, user.tokens["access_token"], "another password")
    assert answer.status_code == 200
    for cookie in earlier:
        assert me_by_session(service.url, cookie).status_code == 401
    mine = cookies_set(answer)["session"]["value"]
    assert me_by_session(service.url, mine).status_code == 200


def test_flags_of_the_cookie(service: Service, user: Account) -> None:
    made = cookies_set(try_login(service.url, user.email))["session"]
    del made["value"]
    assert made == {"httponly": "True", "path": "/", "samesite": "Lax"}


def test_flags_of_the_cookie_in_production(own_service: Callable[..., Service]) -> None:
    service = own_service(
        FLASK_ENV="production",
        FLASK_HOST="127.0.0.1",
        SECRET_KEY="0123456789abcdefghijklmnopqrstuv",
        JWT_SECRET_KEY="vutsrqponmlkjihgfedcba9876543210",
        CORS_ORIGINS="https://app.test",
        PASSWORD_SCHEME="scrypt:1024:8:1",
    )
    body = {"email": "ada@example.com", "password": "correct horse battery"}
    assert web.post(f"{service.url}{BASE}/register", json=body).status_code == 201
    made = cookies_set(try_login(service.url, body["email"]))["session"]
    del made["value"]
    assert made == {"httponly": "True", "path": "/", "samesite": "Lax", "secure": "True"}


def test_login_that_failed_leaves_no_session(
    own_service: Callable[..., Service], newcomer: Join
) -> None:
    service = own_service(DATABASE_STATEMENT_TIMEOUT="0.3")
    user = newcomer(service)
    url = service.environ["DATABASE_URL"]
    with held(url, "LOCK TABLE issued_tokens IN SHARE MODE"):
        answer = try_login(service.url, user.email)
    assert answer.status_code == 503
    assert "set-cookie" not in answer.headers
    recorded = "SELECT count(*) FROM issued_tokens WHERE user_id = %s"
    assert fetch(url, recorded, user.id) == [(3,)]
