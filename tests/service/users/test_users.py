"""Users over HTTP: who may see and change whom, and pages of them."""

from collections.abc import Callable
from uuid import uuid4

import httpx
import pytest

from tests.service.support import PASSWORD, Account, Service
from tests.support import execute

BASE = "/api/v1/users"


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


def test_everything_needs_a_token(client: httpx.Client) -> None:
    calls = [("GET", ""), ("POST", ""), ("GET", "/1"), ("PATCH", "/1"), ("DELETE", "/1")]
    for method, path in calls:
        assert client.request(method, BASE + path).status_code == 401, (method, path)


def test_user_sees_only_themself(user: Account, admin: Account) -> None:
    assert [item["id"] for item in user.http.get(BASE).json()["items"]] == [user.id]
    assert user.http.get(f"{BASE}/{user.id}").json()["email"] == user.email
    for method in ("GET", "PATCH", "DELETE"):
        answer = user.http.request(method, f"{BASE}/{admin.id}", json={"name": "x"})
        assert answer.status_code == 403
        assert answer.json()["request_id"] == answer.headers["x-request-id"]


def test_only_an_administrator_creates_users(user: Account, admin: Account) -> None:
    body = {"email": new_email(), "password": PASSWORD, "name": "Grace", "role": "admin"}
    assert user.http.post(BASE, json=body).status_code == 403
    created = admin.http.post(BASE, json=body)
    assert created.status_code == 201
    assert admin.http.get(created.headers["location"]).json() == created.json()
    assert admin.http.post(BASE, json=body).status_code == 409


def test_user_changes_their_own_name_and_address(user: Account) -> None:
    email = new_email()
    answer = user.http.patch(f"{BASE}/{user.id}", json={"name": "Ada", "email": email.upper()})
    assert answer.status_code == 200
    changed = answer.json()
    assert (changed["name"], changed["email"]) == ("Ada", email)
    assert changed["updated_at"] > changed["created_at"]
    assert user.http.get(f"{BASE}/{user.id}").json() == changed


def test_user_does_not_promote_themself(user: Account) -> None:
    for change in ({"role": "admin"}, {"active": True}):
        assert user.http.patch(f"{BASE}/{user.id}", json=change).status_code == 403
    assert user.http.get(f"{BASE}/{user.id}").json()["role"] == "user"


def test_taken_address_is_a_conflict(user: Account, admin: Account) -> None:
    answer = user.http.patch(f"{BASE}/{user.id}", json={"email": admin.email})
    assert answer.status_code == 409


def test_deleted_user_is_gone_with_their_tokens(user: Account, admin: Account) -> None:
    user.http.post("/api/v1/auth/logout")
    assert admin.http.delete(f"{BASE}/{user.id}").status_code == 204
    assert user.http.get("/api/v1/auth/me").status_code == 401
    for method in ("GET", "PATCH", "DELETE"):
        answer = admin.http.request(method, f"{BASE}/{user.id}", json={"name": "x"})
        assert answer.status_code == 404


@pytest.mark.parametrize("user_id", ["0", "-1", "x", "1.5", "9223372036854775808", "9" * 40])
def test_what_is_no_id_is_a_404(admin: Account, user_id: str) -> None:
    assert admin.http.get(f"{BASE}/{user_id}").status_code == 404


def test_largest_id_is_just_no_user(admin: Account) -> None:
    assert admin.http.get(f"{BASE}/9223372036854775807").status_code == 404


@pytest.mark.parametrize(
    ("body", "fields"),
    [
        ({}, {"email", "password"}),
        ({"email": "x", "password": "short"}, {"email", "password"}),
        ({"email": new_email(), "password": PASSWORD, "admin": True}, {"admin"}),
        ({"email": new_email(), "password": 12345678}, {"password"}),
        ({"email": None, "password": PASSWORD}, {"email"}),
        ({"email": new_email(), "password": PASSWORD, "name": "a\x00b"}, {"name"}),
        ({"email": new_email(), "password": PASSWORD, "name": "a\nb"}, {"name"}),
        ({"email": new_email(), "password": PASSWORD, "role": "root"}, {"role"}),
        ({"email": "a@b", "password": PASSWORD}, {"email"}),
        ({"email": "a@example.com\n", "password": PASSWORD}, {"email"}),
        ({"email": "a" * 250 + "@example.com", "password": PASSWORD}, {"email"}),
    ],
)
def test_every_bad_field_is_named(
    admin: Account, body: dict[str, object], fields: set[str]
) -> None:
    answer = admin.http.post(BASE, json=body)
    assert answer.status_code == 422
    assert {error["field"] for error in answer.json()["errors"]} == fields
    assert PASSWORD not in answer.text


def test_empty_change_says_what_can_be_changed(user: Account) -> None:
    answer = user.http.patch(f"{BASE}/{user.id}", json={})
    assert answer.status_code == 422
    assert "email" in answer.json()["detail"]


@pytest.fixture
def crowd(service: Service, admin: Account) -> str:
    """45 users whose addresses share the returned domain."""
    domain = f"{uuid4().hex[:10]}.example.com"
    execute(
        service.environ["DATABASE_URL"],
        "INSERT INTO users (email, password_hash) "
        f"SELECT 'user' || n || '@{domain}', 'x' FROM generate_series(1, 45) AS n",
    )
    return domain


def test_pages_hold_everybody_once_in_order(admin: Account, crowd: str) -> None:
    seen: list[dict[str, object]] = []
    path = f"{BASE}?limit=7"
    while path:
        answer = admin.http.get(path)
        page = answer.json()
        assert 1 <= len(page["items"]) <= 7
        seen += page["items"]
        path = answer.links.get("next", {}).get("url", "")
        assert bool(path) == (page["next_cursor"] is not None)
    ids = [item["id"] for item in seen]
    assert ids == sorted(set(ids))
    assert sum(crowd in str(item["email"]) for item in seen) == 45


def test_deletion_between_pages_skips_nobody(admin: Account, crowd: str) -> None:
    first = admin.http.get(f"{BASE}?limit=5")
    last = first.json()["items"][-1]["id"]
    second = admin.http.get(first.links["next"]["url"]).json()["items"]
    # The page's own last user goes; the next page must still begin where it began.
    if last != admin.id:
        admin.http.delete(f"{BASE}/{last}")
    assert admin.http.get(first.links["next"]["url"]).json()["items"] == second


def test_filter_by_address(admin: Account, crowd: str) -> None:
    answer = admin.http.get(BASE, params={"email": f"USER3@{crowd}"})
    assert [item["email"] for item in answer.json()["items"]] == [f"user3@{crowd}"]
    assert admin.http.get(BASE, params={"email": f"nobody@{crowd}"}).json()["items"] == []


@pytest.mark.parametrize(
    "query",
    [
        "limit=0",
        "limit=101",
        "limit=-1",
        "limit=x",
        "limit=%D9%A1",
        "cursor=!",
        "cursor=AAAA",
        "cursor=999999999999999999999999999999999",
        "email=x",
        "email=%00",
        "email=a%40b.c%00",
    ],
)
def test_bad_parameters_are_named(admin: Account, query: str) -> None:
    answer = admin.http.get(f"{BASE}?{query}")
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == query.split("=", maxsplit=1)[0]


def test_database_gone_is_a_503_with_retry_after(
    own_service: Callable[..., Service], database: str
) -> None:
    service = own_service(DATABASE_URL="postgresql://u@127.0.0.1:1/none")
    body = {"email": new_email(), "password": PASSWORD}
    answer = httpx.post(f"{service.url}/api/v1/auth/register", json=body)
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "1"
    assert answer.headers["content-type"] == "application/problem+json"
    assert service.line(event="database unavailable")["reason"] == "connection refused"
    assert "Traceback" not in service.log.read_text()
