"""Families of tokens: what ends with what, at once, in every process, whatever runs meanwhile."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from tests.service import web
from tests.service.auth.credentials import (
    bearer,
    change_password,
    claims_of,
    flask_token,
    me,
    me_by_session,
    post,
    refresh,
    try_login,
)
from tests.service.shared import Join, Start
from tests.service.sql import fetch, held, until_blocked
from tests.service.support import Account, Service


@pytest.fixture(scope="module")
def twin(start_shared: Start, service: Service) -> Service:
    """A second process on the same database."""
    return start_shared(DATABASE_URL=service.environ["DATABASE_URL"])


@pytest.fixture
def database_url(service: Service) -> str:
    return service.environ["DATABASE_URL"]


def statuses_of(url: str, *access: str) -> set[int]:
    return {me(url, token) for token in access}


def test_reused_refresh_token_ends_its_family_in_every_process(
    service: Service, twin: Service, user: Account
) -> None:
    session = user.http.cookies["session"]
    first = refresh(service.url, user.tokens["refresh_token"]).json()
    second = refresh(twin.url, first["refresh_token"]).json()
    access = [each["access_token"] for each in (user.tokens, first, second)]
    assert statuses_of(twin.url, *access) == {200}
    # Whoever presents it, the other of the two that have it is a thief.
    assert refresh(service.url, user.tokens["refresh_token"]).status_code == 401
    for url in (twin.url, service.url):
        assert statuses_of(url, *access) == {401}
        assert refresh(url, second["refresh_token"]).status_code == 401
        assert me_by_session(url, session).status_code == 401
    line = service.line(event="refresh token used again: its family is revoked", user_id=user.id)
    assert line["level"] == "WARNING"


def test_other_logins_of_the_user_live_on(service: Service, user: Account) -> None:
    other = try_login(service.url, user.email).json()
    refresh(service.url, user.tokens["refresh_token"])
    refresh(service.url, user.tokens["refresh_token"])
    assert me(service.url, user.tokens["access_token"]) == 401
    assert me(service.url, other["access_token"]) == 200
    assert refresh(service.url, other["refresh_token"]).status_code == 200


def test_token_minted_by_flask_begins_a_family(
    service: Service, twin: Service, user: Account
) -> None:
    token = flask_token(user.id, "refresh")
    pair = refresh(service.url, token).json()
    assert me(twin.url, pair["access_token"]) == 200
    assert refresh(twin.url, token).status_code == 401
    assert me(service.url, pair["access_token"]) == 401
    assert refresh(service.url, pair["refresh_token"]).status_code == 401


@pytest.mark.parametrize("minted", ["here", "by Flask"])
@pytest.mark.parametrize("kind", ["access", "refresh"])
def test_logout_ends_the_family_in_every_process(
    service: Service, twin: Service, user: Account, kind: str, minted: str
) -> None:
    token = user.tokens[f"{kind}_token"] if minted == "here" else flask_token(user.id, kind)
    assert post(service.url, "logout", token).status_code == 204
    check = me if kind == "access" else lambda url, each: refresh(url, each).status_code
    assert check(twin.url, token) == 401
    if minted == "here":
        assert me(twin.url, user.tokens["access_token"]) == 401
        assert refresh(twin.url, user.tokens["refresh_token"]).status_code == 401


def test_flask_sees_every_ended_token_in_its_own_block_list(
    service: Service, user: Account, database_url: str
) -> None:
    pair = refresh(service.url, user.tokens["refresh_token"]).json()
    post(service.url, "logout", pair["access_token"])
    names = ("access_token", "refresh_token")
    ended = {claims_of(each[name])["jti"] for each in (user.tokens, pair) for name in names}
    rows = fetch(database_url, "SELECT jti FROM revoked_tokens WHERE user_id = %s", user.id)
    assert ended <= {jti for (jti,) in rows}


def test_of_many_refreshes_at_once_one_succeeds_and_counts_as_stolen(
    service: Service, twin: Service, user: Account
) -> None:
    token = user.tokens["refresh_token"]
    urls = [service.url, twin.url] * 6
    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(lambda url: refresh(url, token), urls))
    assert sorted(answer.status_code for answer in answers) == [200] + [401] * 11
    (winner,) = [answer.json() for answer in answers if answer.is_success]
    assert me(service.url, winner["access_token"]) == 401
    assert refresh(service.url, winner["refresh_token"]).status_code == 401


@pytest.mark.parametrize("state", ["inactive", "deleted"])
def test_user_who_is_gone_does_not_refresh(
    service: Service, admin: Account, user: Account, state: str
) -> None:
    path = f"/api/v1/users/{user.id}"
    if state == "deleted":
        assert admin.http.delete(path).status_code == 204
    else:
        assert admin.http.patch(path, json={"active": False}).status_code == 200
    for token in (user.tokens["refresh_token"], flask_token(user.id, "refresh")):
        assert refresh(service.url, token).status_code == 401
    assert post(service.url, "logout", user.tokens["access_token"]).status_code == 401


def log_out(url: str, user: Account) -> httpx.Response:
    return post(url, "logout", user.tokens["access_token"])


def change(url: str, user: Account) -> httpx.Response:
    return change_password(url, user.tokens["access_token"], "another password")


@pytest.mark.parametrize(("end", "status"), [(log_out, 204), (change, 200)])
def test_refresh_that_was_under_way_does_not_outlive_the_end(
    service: Service,
    user: Account,
    database_url: str,
    end: Callable[[str, Account], httpx.Response],
    status: int,
) -> None:
    token = user.tokens["refresh_token"]
    row = "SELECT 1 FROM issued_tokens WHERE jti = %s FOR UPDATE"
    with ThreadPoolExecutor(2) as threads:
        with held(database_url, row, claims_of(token)["jti"]):
            refreshing = threads.submit(refresh, service.url, token)
            until_blocked(database_url)
            ending = threads.submit(end, service.url, user)
            until_blocked(database_url, 2)
        assert ending.result().status_code == status
    pair = refreshing.result()
    if pair.is_success:
        assert me(service.url, pair.json()["access_token"]) == 401
        assert refresh(service.url, pair.json()["refresh_token"]).status_code == 401


def test_refresh_that_was_under_way_does_not_outlive_a_reuse(
    service: Service, user: Account, database_url: str
) -> None:
    stolen = user.tokens["refresh_token"]
    token = refresh(service.url, stolen).json()["refresh_token"]
    row = "SELECT 1 FROM issued_tokens WHERE jti = %s FOR UPDATE"
    with ThreadPoolExecutor(2) as threads:
        with held(database_url, row, claims_of(token)["jti"]):
            refreshing = threads.submit(refresh, service.url, token)
            until_blocked(database_url)
            reusing = threads.submit(refresh, service.url, stolen)
            until_blocked(database_url, 2)
        assert reusing.result().status_code == 401
    pair = refreshing.result()
    if pair.is_success:
        assert me(service.url, pair.json()["access_token"]) == 401
        assert refresh(service.url, pair.json()["refresh_token"]).status_code == 401


@pytest.mark.parametrize(("action", "status"), [("refresh", 401), ("logout", 204)])
def test_user_deleted_in_the_middle_is_no_failure(
    service: Service, user: Account, database_url: str, action: str, status: int
) -> None:
    lock = "SELECT 1 FROM users WHERE id = %s FOR UPDATE"
    with ThreadPoolExecutor(1) as threads:
        with held(database_url, lock, user.id) as deleting:
            answer = threads.submit(post, service.url, action, user.tokens["refresh_token"])
            until_blocked(database_url)
            deleting.execute("DELETE FROM users WHERE id = %s", [user.id])
        assert answer.result().status_code == status


def test_without_rotation_the_refresh_token_stays(
    own_service: Callable[..., Service], newcomer: Join
) -> None:
    service = own_service(JWT_REFRESH_TOKEN_ROTATION="0")
    user = newcomer(service)
    token = user.tokens["refresh_token"]
    pairs = [refresh(service.url, token).json() for _ in range(3)]
    assert {pair["refresh_token"] for pair in pairs} == {token}
    access = [pair["access_token"] for pair in pairs]
    assert len(set(access)) == 3
    assert statuses_of(service.url, *access) == {200}
    post(service.url, "logout", access[0])
    assert statuses_of(service.url, *access) == {401}
    assert refresh(service.url, token).status_code == 401


def test_token_that_is_ended_stays_so_while_the_leeway_lasts(
    own_service: Callable[..., Service], newcomer: Join
) -> None:
    service = own_service(JWT_DECODE_LEEWAY="60")
    user = newcomer(service)
    # Past its end by this clock, and not by that of who minted it.
    token = flask_token(user.id, iat=1, nbf=1, exp=claims_of(user.tokens["access_token"])["iat"])
    assert me(service.url, token) == 200
    assert post(service.url, "logout", token).status_code == 204
    assert me(service.url, token) == 401
    try_login(service.url, user.email)  # sweeps the block list
    assert me(service.url, token) == 401


def test_token_without_an_id_is_only_its_own_users(
    service: Service, user: Account, newcomer: Join
) -> None:
    nameless = {each.id: flask_token(each.id, jti=None) for each in (user, newcomer(service))}
    for user_id, token in nameless.items():
        answer = web.get(f"{service.url}/api/v1/auth/me", headers=bearer(token))
        assert answer.json()["id"] == user_id
    # Its id is the empty text: ending it must not end those that have none.
    assert post(service.url, "logout", flask_token(user.id, jti="")).status_code == 204
    assert statuses_of(service.url, *nameless.values()) == {200}


@pytest.mark.parametrize("jti", ["x" * 65, "é", "\x00", " ", "session:", "'); --"])
def test_token_is_ended_whatever_its_id(service: Service, user: Account, jti: str) -> None:
    token = flask_token(user.id, jti=jti + str(user.id))
    assert me(service.url, token) == 200
    assert post(service.url, "logout", token).status_code == 204
    assert me(service.url, token) == 401
