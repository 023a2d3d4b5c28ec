"""Tokens in cookies: Flask-JWT-Extended's names, paths, flags, lifetimes and double submit."""

from collections.abc import Callable, Iterator

import flask
import httpx
import pytest
from flask_jwt_extended import (
    JWTManager,
    create_access_token,
    create_refresh_token,
    set_access_cookies,
    set_refresh_cookies,
    unset_jwt_cookies,
)

from tests.service import web
from tests.service.auth.credentials import (
    BASE,
    ME,
    bearer,
    claims_of,
    cookies_set,
    flask_app,
    flask_token,
)
from tests.service.shared import Join, Start
from tests.service.support import PASSWORD, Account, Service

ACCESS, REFRESH = "access_token_cookie", "refresh_token_cookie"
ACCESS_CSRF, REFRESH_CSRF = "csrf_access_token", "csrf_refresh_token"

CONFIGURATIONS = {
    "defaults": {},
    "everything said": {
        "JWT_ACCESS_COOKIE_NAME": "a",
        "JWT_REFRESH_COOKIE_NAME": "r",
        "JWT_ACCESS_CSRF_COOKIE_NAME": "ac",
        "JWT_REFRESH_CSRF_COOKIE_NAME": "rc",
        "JWT_ACCESS_COOKIE_PATH": "/api",
        "JWT_REFRESH_COOKIE_PATH": "/api/v1/auth",
        "JWT_ACCESS_CSRF_COOKIE_PATH": "/app",
        "JWT_REFRESH_CSRF_COOKIE_PATH": "/app/r",
        "JWT_COOKIE_SECURE": True,
        "JWT_COOKIE_SAMESITE": "Strict",
        "JWT_COOKIE_DOMAIN": "example.test",
        "JWT_SESSION_COOKIE": False,
    },
    "no double submit": {"JWT_COOKIE_CSRF_PROTECT": False},
}


@pytest.fixture(scope="module")
def cookie_service(start_shared: Start) -> Service:
    """Tokens in cookies before tokens in the header."""
    return start_shared(JWT_TOKEN_LOCATION="cookies,headers")


@pytest.fixture
def browser(cookie_service: Service, newcomer: Join) -> Iterator[httpx.Client]:
    """Somebody's browser, after the login: a jar of cookies and nothing else."""
    account = newcomer(cookie_service)
    with web.client(base_url=cookie_service.url) as client:
        body = {"email": account.email, "password": PASSWORD}
        assert client.post(f"{BASE}/login", json=body).is_success
        client.cookies.delete("session")
        yield client


def double(client: httpx.Client, cookie: str = ACCESS_CSRF) -> dict[str, str]:
    """The header in which a script sends the cookie's value back."""
    return {"X-CSRF-TOKEN": client.cookies[cookie]}


def own_path(client: httpx.Client) -> str:
    return f"/api/v1/users/{claims_of(client.cookies[ACCESS])['sub']}"


def set_by_flask(config: dict[str, object]) -> dict[str, dict[str, str]]:
    app = flask_app(JWT_TOKEN_LOCATION=["cookies"], **config)
    JWTManager(app)
    with app.app_context():
        response = flask.Response()
        set_access_cookies(response, create_access_token("1"))
        set_refresh_cookies(response, create_refresh_token("1"))
    return cookies_set(response)


def unset_by_flask(config: dict[str, object]) -> dict[str, dict[str, str]]:
    app = flask_app(JWT_TOKEN_LOCATION=["cookies"], **config)
    JWTManager(app)
    with app.app_context():
        response = flask.Response()
        unset_jwt_cookies(response)
    return cookies_set(response)


def without_values(cookies: dict[str, dict[str, str]]) -> dict[str, dict[str, str]]:
    return {
        name: {key: value for key, value in cookie.items() if key not in {"value", "expires"}}
        for name, cookie in cookies.items()
        if name != "session"
    }


@pytest.mark.parametrize("name", CONFIGURATIONS)
def test_cookies_are_those_of_flask_jwt_extended(
    own_service: Callable[..., Service], newcomer: Join, name: str
) -> None:
    config = CONFIGURATIONS[name]
    variables = {key: str(value) for key, value in config.items()}
    service = own_service(JWT_TOKEN_LOCATION="headers,cookies", **variables)
    account = newcomer(service)
    body = {"email": account.email, "password": PASSWORD}
    made = cookies_set(web.post(f"{service.url}{BASE}/login", json=body))
    assert without_values(made) == without_values(set_by_flask(config))
    gone = cookies_set(account.http.post(f"{BASE}/logout"))
    theirs = unset_by_flask(config)
    assert without_values(gone) == without_values(theirs)
    for cookie in gone.values():
        assert (cookie["value"], cookie["expires"][:16]) == ("", "Thu, 01 Jan 1970")


def test_browser_lives_on_cookies_alone(browser: httpx.Client) -> None:
    assert browser.get(ME).status_code == 200
    changed = browser.patch(own_path(browser), json={"name": "Ada"}, headers=double(browser))
    assert changed.json()["name"] == "Ada"
    before = browser.cookies[ACCESS], browser.cookies[REFRESH]
    answer = browser.post(f"{BASE}/refresh", headers=double(browser, REFRESH_CSRF))
    assert answer.status_code == 200
    after = browser.cookies[ACCESS], browser.cookies[REFRESH]
    assert after == (answer.json()["access_token"], answer.json()["refresh_token"])
    assert not set(before) & set(after)
    assert claims_of(after[0])["csrf"] == browser.cookies[ACCESS_CSRF]
    assert claims_of(after[1])["csrf"] == browser.cookies[REFRESH_CSRF]
    assert browser.get(ME).status_code == 200
    assert browser.post(f"{BASE}/logout", headers=double(browser)).status_code == 204
    assert not browser.cookies
    for token in (before[0], after[0]):
        headers = {"Cookie": f"{ACCESS}={token}"}
        assert browser.get(ME, headers=headers).status_code == 401


def test_new_password_renews_the_cookies(browser: httpx.Client) -> None:
    body = {"current_password": PASSWORD, "new_password": "another password"}
    before = browser.cookies[ACCESS]
    assert browser.post(f"{BASE}/password", json=body, headers=double(browser)).is_success
    assert browser.cookies[ACCESS] != before
    assert browser.get(ME).status_code == 200


@pytest.mark.parametrize(
    "sent",
    [None, b"", b"wrong", b"\xc3\xa9", b"\xff", b"a" * 8000],
    ids=["none", "empty", "wrong", "UTF-8", "Latin-1", "long"],
)
@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", f"{BASE}/logout"),
        ("POST", f"{BASE}/refresh"),
        ("POST", f"{BASE}/password"),
        ("POST", "/api/v1/users"),
        ("PATCH", "/api/v1/users/{id}"),
        ("DELETE", "/api/v1/users/{id}"),
    ],
)
def test_change_by_cookie_needs_the_double_submit(
    browser: httpx.Client, method: str, path: str, sent: bytes | None
) -> None:
    url = path.format(id=own_path(browser).rpartition("/")[2])
    headers = {} if sent is None else {"X-CSRF-TOKEN": sent}
    answer = browser.request(method, url, json={"name": "x"}, headers=headers)
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert browser.get(ME).status_code == 200


def test_double_submit_of_another_token_does_not_do(browser: httpx.Client) -> None:
    headers = double(browser, REFRESH_CSRF)
    assert browser.patch(own_path(browser), json={"name": "x"}, headers=headers).status_code == 401
    assert browser.post(f"{BASE}/refresh", headers=double(browser)).status_code == 401


def test_reading_by_cookie_needs_none(browser: httpx.Client) -> None:
    for path in (ME, own_path(browser), "/api/v1/users"):
        assert browser.get(path).status_code == 200
        assert browser.head(path).status_code == 200


def test_token_in_a_header_needs_none(cookie_service: Service, newcomer: Join) -> None:
    account = newcomer(cookie_service)
    account.http.cookies.clear()
    answer = account.http.patch(f"/api/v1/users/{account.id}", json={"name": "x"})
    assert answer.status_code == 200


def test_token_without_a_csrf_claim_does_not_pass(cookie_service: Service, newcomer: Join) -> None:
    account = newcomer(cookie_service)
    cookie = {"Cookie": f"{ACCESS}={flask_token(account.id, csrf=None)}"}
    assert web.get(f"{cookie_service.url}{ME}", headers=cookie).status_code == 200
    for sent in ("None", "null", "undefined", "x"):
        headers = cookie | {"X-CSRF-TOKEN": sent}
        url = f"{cookie_service.url}/api/v1/users/{account.id}"
        assert web.patch(url, json={"name": "x"}, headers=headers).status_code == 401


def test_wrong_kind_of_token_in_a_cookie_is_refused(
    cookie_service: Service, browser: httpx.Client
) -> None:
    headers = {"Cookie": f"{ACCESS}={browser.cookies[REFRESH]}"}
    assert web.get(f"{cookie_service.url}{ME}", headers=headers).status_code == 401
    headers = {"Cookie": f"{REFRESH}={browser.cookies[ACCESS]}"} | double(browser)
    assert web.post(f"{cookie_service.url}{BASE}/refresh", headers=headers).status_code == 401


def test_caches_keep_answers_by_cookie_apart(browser: httpx.Client) -> None:
    for path in (ME, own_path(browser), "/api/v1/users"):
        vary = ", ".join(browser.get(path).headers.get_list("vary"))
        assert "Cookie" in vary.split(", "), path


@pytest.mark.parametrize("first", ["cookies", "headers"])
def test_order_says_which_token_counts(
    start_shared: Start, cookie_service: Service, newcomer: Join, first: str
) -> None:
    service = cookie_service
    if first == "headers":
        service = start_shared(
            JWT_TOKEN_LOCATION="headers,cookies",
            DATABASE_URL=cookie_service.environ["DATABASE_URL"],
        )
    people: dict[str, Account] = {each: newcomer(service) for each in ("cookies", "headers")}
    tokens = {each: account.tokens["access_token"] for each, account in people.items()}
    headers = {"Cookie": f"{ACCESS}={tokens['cookies']}"} | bearer(tokens["headers"])
    answer = web.get(f"{service.url}{ME}", headers=headers)
    assert answer.json()["id"] == people[first].id


def test_cookie_is_no_credential_where_cookies_are_not_configured(
    service: Service, user: Account
) -> None:
    headers = {"Cookie": f"{ACCESS}={user.tokens['access_token']}"}
    assert web.get(f"{service.url}{ME}", headers=headers).status_code == 401
    body = {"email": user.email, "password": PASSWORD}
    login = web.post(f"{service.url}{BASE}/login", json=body)
    assert set(cookies_set(login)) == {"session"}
