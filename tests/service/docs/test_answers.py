"""Every answer the document promises is given, and every answer given is as it promises."""

from collections.abc import Callable
from typing import Any
from uuid import uuid4

import pytest

from tests.service.docs.conformity import Api
from tests.service.support import PASSWORD, Account, Service, register

TOO_LARGE = b" " * (1_048_576 + 1)
NOBODY = 10**17
# What takes a broken service, a slow client or two requests at one moment. The first three are
# given below or in test_errors.py, the last by the tests of idempotency and of passwords.
RARE = {408, 429, 500, 503}
SIMULTANEOUS = {("auth_refresh", 409), ("auth_change_password", 409)}


def new_email() -> str:
    return f"{uuid4().hex}@example.com"


class Provocation:
    """Requests that are as they should be, by somebody new each time, and what spoils them."""

    def __init__(self, api: Api, admin: Account) -> None:
        self.api = api
        self.admin = admin

    def valid(self, name: str) -> dict[str, Any]:
        """A request that succeeds."""
        person = register(self.api.url)
        person.http.close()
        operation = self.api.operations[name]
        request: dict[str, Any] = {}
        if operation["security"]:
            kind = next(iter(operation["security"][0]))
            request["token"] = person.tokens[kind]
        if "{user_id}" in operation["path"]:
            request["path"] = {"user_id": person.id}
        bodies = {
            "auth_register": {"email": new_email(), "password": PASSWORD},
            "auth_login": {"email": person.email, "password": PASSWORD},
            "auth_change_password": {"current_password": PASSWORD, "new_password": PASSWORD[::-1]},
            "users_create_user": {"email": new_email(), "password": PASSWORD},
            "users_change_user": {"name": "Grace"},
        }
        if name in bodies:
            request["json"] = bodies[name]
        if name == "users_create_user":
            request["token"] = self.admin.tokens["access_token"]
        return request

    def spoil(self, name: str) -> None:
        """Sends what the declaration of the operation says must not be sent."""
        operation = self.api.operations[name]
        if operation["security"]:
            self.expect(401, name, token=None)
            self.expect(401, name, token="not a token")
        if operation.get("requestBody"):
            self.spoil_body(name)
        if "{user_id}" in operation["path"]:
            token = self.admin.tokens["access_token"]
            self.expect(404, name, token=token, path={"user_id": NOBODY})
        described = {each.get("$ref", "").rpartition("/")[2] for each in operation["parameters"]}
        if "IfMatch" in described:
            self.expect(412, name, headers={"If-Match": '"another"'})
        if "IfNoneMatch" in described:
            self.expect(304, name, headers={"If-None-Match": "*"})
        if "IdempotencyKey" in described:
            self.spoil_key(name)

    def spoil_body(self, name: str) -> None:
        """Sends bodies that are none."""
        json = {"Content-Type": "application/json"}
        self.expect(400, name, json=None, content=b"{", headers=json)
        self.expect(413, name, json=None, content=TOO_LARGE, headers=json)
        self.expect(415, name, json=None, content=b"{}", headers={"Content-Type": "text/plain"})
        self.expect(422, name, json={"unknown": 1})

    def spoil_key(self, name: str) -> None:
        """Sends a key that is none, and one key for two requests."""
        self.expect(400, name, headers={"Idempotency-Key": "a b"})
        headers = {"Idempotency-Key": uuid4().hex, "Content-Type": "application/json"}
        request = self.valid(name) | {"headers": headers}
        assert self.api.ask(name, **request).is_success
        again = self.api.ask(name, **request)
        assert again.headers["Idempotent-Replayed"] == "true"
        other = {"json": {"email": new_email(), "password": PASSWORD}}
        assert self.api.ask(name, **request | other).status_code == 422

    def expect(self, status: int, name: str, **changes: Any) -> None:
        """Sends a valid request with the changes."""
        answer = self.api.ask(name, **self.valid(name) | changes)
        assert answer.status_code == status, (name, changes, answer.text)


@pytest.fixture
def provoke(service: Service, admin: Account) -> Provocation:
    """Requests that the service every test shares would accept."""
    return Provocation(Api(service.url), admin)


def test_every_promised_answer_is_given(
    provoke: Provocation, admin: Account, user: Account
) -> None:
    api = provoke.api
    for name in api.operations:
        assert api.ask(name, **provoke.valid(name)).is_success, name
        provoke.spoil(name)
    token = user.tokens["access_token"]
    taken = {"email": user.email, "password": PASSWORD}
    provoke.expect(401, "auth_login", json={"email": new_email(), "password": PASSWORD})
    provoke.expect(
        403, "auth_change_password", json={"current_password": "x", "new_password": PASSWORD}
    )
    provoke.expect(403, "users_create_user", token=token)
    for name in ("users_read_user", "users_change_user", "users_delete_user"):
        provoke.expect(403, name, token=token)
    for name in ("auth_register", "users_create_user"):
        provoke.expect(409, name, json=taken)
    provoke.expect(409, "users_change_user", json={"email": user.email})
    provoke.expect(422, "users_list_users", params={"limit": 0})
    page = api.ask("users_list_users", token=admin.tokens["access_token"], params={"limit": 1})
    assert 'rel="next"' in page.headers["Link"]
    promised = {(name, status) for name, status in api.promised() if status not in RARE}
    assert api.seen == promised - SIMULTANEOUS


def resources(api: Api, *names: str) -> set[str]:
    """The operations of these."""
    return {name for name in api.operations if name.partition("_")[0] in names}


def test_limits_are_answered_as_promised(own_service: Callable[..., Service]) -> None:
    limits = {f"RATELIMIT_{name}": "1 per hour" for name in ("DEFAULT", "LOGIN", "REGISTER")}
    api = Api(own_service(RATELIMIT_ENABLED="1", **limits).url)
    for name in api.operations:
        for _ in range(2):
            api.ask(name, path={"user_id": 1}, json={})
    limited = {each for each in api.seen if each[1] == 429}
    assert limited == {each for each in api.promised() if each[1] == 429}
    assert {name for name, _ in limited} == resources(api, "auth", "users")


def test_no_database_is_answered_as_promised(
    own_service: Callable[..., Service], provoke: Provocation
) -> None:
    api = Api(own_service(DATABASE_URL="postgresql://u@127.0.0.1:1/none").url)
    for name in api.operations:
        api.ask(name, **provoke.valid(name))
    unavailable = {each for each in api.seen if each[1] == 503}
    assert unavailable == {each for each in api.promised() if each[1] == 503}


def test_failures_are_answered_as_promised(
    own_service: Callable[..., Service], provoke: Provocation, empty_database: str
) -> None:
    # One without tables: what no code expects.
    api = Api(own_service(DATABASE_URL=empty_database).url)
    failing = resources(api, "auth", "users")
    for name in failing:
        assert api.ask(name, **provoke.valid(name)).status_code == 500
    assert {(name, 500) for name in api.operations} <= api.promised()
