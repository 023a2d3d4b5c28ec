"""Changing a password, and what is left of the old one; replacing a weak hash at login."""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from time import time

import bcrypt
import pytest
from werkzeug.security import generate_password_hash

from tests.service.auth.credentials import (
    change_password,
    claims_of,
    flask_token,
    me,
    refresh,
    try_login,
)
from tests.service.shared import Join, Start
from tests.service.sql import fetch, held, until_blocked
from tests.service.support import PASSWORD, Account, Service
from tests.support import execute

NEW = "another battery staple"
WEAK = "pbkdf2:sha256:1000"
SCHEME = "scrypt:1024:8:1"  # TestingConfig's


@pytest.fixture(scope="module")
def twin(start_shared: Start, service: Service) -> Service:
    """A second process on the same database."""
    return start_shared(DATABASE_URL=service.environ["DATABASE_URL"])


@pytest.fixture
def database_url(service: Service) -> str:
    return service.environ["DATABASE_URL"]


def hash_of(url: str, user: Account) -> str:
    [(stored,)] = fetch(url, "SELECT password_hash FROM users WHERE id = %s", user.id)
    return str(stored)


def set_hash(url: str, user: Account, stored: str) -> None:
    fetch(url, "UPDATE users SET password_hash = %s WHERE id = %s", stored, user.id)


def test_new_password_is_the_only_one(service: Service, user: Account) -> None:
    answer = change_password(service.url, user.tokens["access_token"], NEW)
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    assert try_login(service.url, user.email).status_code == 401
    assert try_login(service.url, user.email, NEW).status_code == 200


def test_wrong_current_password_changes_nothing(service: Service, user: Account) -> None:
    answer = change_password(service.url, user.tokens["access_token"], NEW, current="wrong")
    assert answer.status_code == 403
    assert me(service.url, user.tokens["access_token"]) == 200
    assert try_login(service.url, user.email).status_code == 200


@pytest.mark.parametrize("new", ["short", "x" * 257])
def test_new_password_is_held_to_the_rules(service: Service, user: Account, new: str) -> None:
    answer = change_password(service.url, user.tokens["access_token"], new)
    assert answer.status_code == 422
    assert [error["field"] for error in answer.json()["errors"]] == ["new_password"]
    assert new not in answer.text


def test_refresh_token_does_not_change_the_password(service: Service, user: Account) -> None:
    assert change_password(service.url, user.tokens["refresh_token"], NEW).status_code == 401


def test_everything_from_before_ends_in_every_process(
    service: Service, twin: Service, user: Account
) -> None:
    now = int(time())
    access = [
        user.tokens["access_token"],
        try_login(twin.url, user.email).json()["access_token"],
        refresh(service.url, user.tokens["refresh_token"]).json()["access_token"],
        flask_token(user.id, iat=now - 100),
        flask_token(user.id, iat=None),
        flask_token(user.id, jti=None, iat=now - 100),
        flask_token(user.id, exp=None, iat=now - 100),
    ]
    refreshing = [
        try_login(twin.url, user.email).json()["refresh_token"],
        flask_token(user.id, "refresh", iat=now - 100),
    ]
    assert [me(twin.url, token) for token in access] == [200] * len(access)
    pair = change_password(service.url, access[3], NEW).json()
    for url in (twin.url, service.url):
        assert [me(url, token) for token in access] == [401] * len(access)
        assert [refresh(url, token).status_code for token in refreshing] == [401, 401]
        assert me(url, pair["access_token"]) == 200
    # All this within the second of the change, which is too coarse a measure for `iat`.
    fresh = try_login(twin.url, user.email, NEW).json()
    assert me(service.url, fresh["access_token"]) == 200
    assert refresh(service.url, fresh["refresh_token"]).status_code == 200
    assert refresh(twin.url, pair["refresh_token"]).status_code == 200


def test_flask_token_from_after_the_change_is_good(
    service: Service, user: Account, database_url: str
) -> None:
    change_password(service.url, user.tokens["access_token"], NEW)
    # As if the change had been two seconds ago.
    earlier = "UPDATE users SET tokens_valid_from = tokens_valid_from - interval '2 s'"
    fetch(database_url, f"{earlier} WHERE id = %s", user.id)
    changed = "SELECT extract(epoch FROM tokens_valid_from)::float FROM users WHERE id = %s"
    [(moment,)] = fetch(database_url, changed, user.id)
    assert me(service.url, flask_token(user.id, iat=int(moment))) == 401
    assert me(service.url, flask_token(user.id, iat=int(moment) + 1)) == 200


@pytest.mark.parametrize(
    "iat",
    [0, -1, -(10**13), -(10**18), -(10**400), 1.5, -1e300, "1", "x", [], True, float("nan")],
    ids=lambda value: repr(value)[:12],
)
def test_age_of_a_token_may_be_anything(service: Service, user: Account, iat: object) -> None:
    change_password(service.url, user.tokens["access_token"], NEW)
    assert me(service.url, flask_token(user.id, iat=iat)) == 401


def test_of_changes_at_once_one_succeeds(service: Service, user: Account) -> None:
    token = user.tokens["access_token"]
    news = [f"new password {number}" for number in range(6)]
    with ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda new: change_password(service.url, token, new), news))
    won = [new for new, answer in zip(news, answers, strict=True) if answer.is_success]
    assert len(won) == 1
    # Overtaken; too late for the token; too late for the password.
    assert {each.status_code for each in answers} <= {200, 409, 401, 403}
    logins = [try_login(service.url, user.email, new).is_success for new in news]
    assert logins == [new in won for new in news]


def test_login_under_way_does_not_outlive_the_change(
    service: Service, user: Account, database_url: str
) -> None:
    with ThreadPoolExecutor(2) as threads:
        with held(database_url, "LOCK TABLE issued_tokens IN SHARE MODE"):
            login = threads.submit(try_login, service.url, user.email)
            until_blocked(database_url)
            changing = threads.submit(
                change_password, service.url, user.tokens["access_token"], NEW
            )
            until_blocked(database_url, 2)
        assert changing.result().status_code == 200
    assert login.result().status_code == 200
    assert me(service.url, login.result().json()["access_token"]) == 401
    assert refresh(service.url, login.result().json()["refresh_token"]).status_code == 401


def test_login_that_comes_after_the_change_is_refused(
    service: Service, user: Account, database_url: str
) -> None:
    row = "SELECT 1 FROM users WHERE id = %s FOR UPDATE"
    stored = generate_password_hash(NEW, SCHEME)
    with ThreadPoolExecutor(1) as threads:
        with held(database_url, row, user.id) as changing:
            login = threads.submit(try_login, service.url, user.email)
            until_blocked(database_url)
            changing.execute("UPDATE users SET password_hash = %s WHERE id = %s", [stored, user.id])
        assert login.result().status_code == 401


def test_no_login_by_the_old_password_lives_on_however_they_race(
    service: Service, twin: Service, newcomer: Join
) -> None:
    with ThreadPoolExecutor(3) as threads:
        for _ in range(6):
            user = newcomer(service)
            logins = [threads.submit(try_login, url, user.email) for url in (service.url, twin.url)]
            token = user.tokens["access_token"]
            assert threads.submit(change_password, twin.url, token, NEW).result().is_success
            for login in logins:
                if login.result().is_success:
                    assert me(service.url, login.result().json()["access_token"]) == 401


@pytest.mark.parametrize(
    "stored",
    [
        generate_password_hash(PASSWORD, WEAK),
        generate_password_hash(PASSWORD, "scrypt:512:8:1"),
        bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode(),
    ],
    ids=["pbkdf2", "cheaper scrypt", "bcrypt"],
)
def test_login_replaces_a_weaker_hash(
    service: Service, user: Account, database_url: str, stored: str
) -> None:
    set_hash(database_url, user, stored)
    assert try_login(service.url, user.email, "wrong password").status_code == 401
    assert hash_of(database_url, user) == stored
    assert try_login(service.url, user.email).status_code == 200
    replaced = hash_of(database_url, user)
    assert replaced.startswith(f"{SCHEME}$")
    assert try_login(service.url, user.email).status_code == 200
    assert hash_of(database_url, user) == replaced
    # It is the same password: nobody is logged out.
    assert me(service.url, user.tokens["access_token"]) == 200


def test_login_keeps_a_stronger_hash(service: Service, user: Account, database_url: str) -> None:
    stored = generate_password_hash(PASSWORD, "scrypt:2048:8:1")
    set_hash(database_url, user, stored)
    assert try_login(service.url, user.email).status_code == 200
    assert hash_of(database_url, user) == stored


@pytest.fixture
def rewrites(database_url: str) -> Iterator[Callable[[], int]]:
    """How often a hash has been replaced since the test began."""
    execute(
        database_url,
        "CREATE SEQUENCE rewrites",
        "CREATE FUNCTION count_rewrite() RETURNS trigger LANGUAGE plpgsql AS "
        "$$ BEGIN PERFORM nextval('rewrites'); RETURN NEW; END $$",
        "CREATE TRIGGER rewrites AFTER UPDATE OF password_hash ON users"
        " FOR EACH ROW EXECUTE FUNCTION count_rewrite()",
    )
    counted = "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM rewrites"
    yield lambda: fetch(database_url, counted)[0][0]
    execute(database_url, "DROP FUNCTION count_rewrite CASCADE", "DROP SEQUENCE rewrites")


def test_logins_at_once_replace_a_weak_hash_once(
    service: Service, user: Account, database_url: str, rewrites: Callable[[], int]
) -> None:
    set_hash(database_url, user, generate_password_hash(PASSWORD, WEAK))
    before = rewrites()
    row = "SELECT 1 FROM users WHERE id = %s FOR UPDATE"
    with ThreadPoolExecutor(3) as threads:
        with held(database_url, row, user.id):
            logins = [threads.submit(try_login, service.url, user.email) for _ in range(3)]
            until_blocked(database_url, 3)
        answers = [login.result() for login in logins]
    assert [answer.status_code for answer in answers] == [200] * 3
    assert rewrites() - before == 1
    access = [answer.json()["access_token"] for answer in answers]
    assert {claims_of(token)["sub"] for token in access} == {str(user.id)}
    assert [me(service.url, token) for token in access] == [200] * 3
