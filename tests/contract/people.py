"""Users of either side, and what one reads off an answer."""

import json
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from uuid import uuid4

import httpx
from werkzeug.security import generate_password_hash

from tests.contract.support import AUTH, PASSWORD, Pair, Side

# Made once: what a test's people have for a password is not what most tests are about.
CHEAP_HASH = generate_password_hash(PASSWORD, "scrypt:1024:8:1")


@dataclass(frozen=True)
class Person:
    """A row of `users`, who has the tests' password."""

    id: int
    email: str


@dataclass(frozen=True)
class Tokens:
    """What a login gave, and the cookies beside it."""

    access: str
    refresh: str
    cookies: dict[str, str]


def new_email() -> str:
    """An address nobody has."""
    return f"{uuid4().hex[:12]}@example.com"


def new_person(pair: Pair, *, password_hash: str = CHEAP_HASH, role: str = "user") -> Person:
    """Somebody in the table: neither side has heard of them yet."""
    email = new_email()
    statement = "INSERT INTO users (email, password_hash, role) VALUES (%s, %s, %s) RETURNING id"
    [(user_id,)] = pair.query(statement, email, password_hash, role)
    return Person(user_id, email)


def try_login(side: Side, email: str, password: str = PASSWORD) -> httpx.Response:
    """The answer to a login."""
    return side.post(f"{AUTH}/login", json={"email": email, "password": password})


def log_in(side: Side, person: Person) -> Tokens:
    """The person's tokens, minted by that side."""
    answer = try_login(side, person.email)
    assert answer.status_code == HTTPStatus.OK, answer.text
    return tokens_in(answer)


def tokens_in(answer: httpx.Response) -> Tokens:
    """The pair in the answer."""
    body = answer.json()
    return Tokens(body["access_token"], body["refresh_token"], cookies_of(answer))


def cookies_of(answer: httpx.Response) -> dict[str, str]:
    """The cookies the answer sets, by name."""
    set_cookies = answer.headers.get_list("set-cookie")
    pairs = (each.partition(";")[0].partition("=") for each in set_cookies)
    return {name: value for name, _, value in pairs}


def attributes_of(answer: httpx.Response) -> dict[str, set[str]]:
    """The attributes of each cookie the answer sets, by its name."""
    found = {}
    for each in answer.headers.get_list("set-cookie"):
        pair, *attributes = each.split("; ")
        found[pair.partition("=")[0]] = set(attributes)
    return found


def signed_in(side: Side, *, role: str = "user") -> tuple[Person, dict[str, str]]:
    """Somebody new, and the header that says so."""
    person = new_person(side.pair, role=role)
    return person, bearer(log_in(side, person).access)


def bearer(token: str) -> dict[str, str]:
    """The header that carries the token."""
    return {"Authorization": f"Bearer {token}"}


def cookie(**values: str) -> dict[str, str]:
    """The header that carries these cookies."""
    return {"Cookie": "; ".join(f"{name}={value}" for name, value in values.items())}


PROBLEM = ("type", "title", "status", "detail", "instance", "request_id")
BODIES = {
    ("id", "email", "name", "role", "active", "created_at", "updated_at"): "user",
    ("access_token", "refresh_token", "expires_in", "token_type"): "tokens",
    ("items", "next_cursor"): "page",
    PROBLEM: "problem",
    (*PROBLEM, "errors"): "problem",
}
"""What a body is, by its keys in their order."""


def told(answer: httpx.Response) -> str:
    """The status and what the body is: `200 user`, `422 problem: email, password`."""
    if not answer.content:
        return str(answer.status_code)
    body = json.loads(answer.content)
    kind = BODIES.get(tuple(body), ", ".join(body))
    if kind == "problem":
        _check_problem(answer, body)
        fields = sorted(each["field"] for each in body.get("errors", ()))
        kind += f": {', '.join(fields)}" if fields else ""
    else:
        assert answer.headers["content-type"] == "application/json"
    return f"{answer.status_code} {kind}"


def _check_problem(answer: httpx.Response, body: dict[str, Any]) -> None:
    assert answer.headers["content-type"] == "application/problem+json"
    assert body["type"] == "about:blank"
    assert body["title"] == HTTPStatus(answer.status_code).phrase
    assert body["status"] == answer.status_code
    assert body["detail"]
    assert body["instance"] == answer.request.url.path
    assert [body["request_id"]] == answer.headers.get_list("x-request-id")
    assert all(each["message"] for each in body.get("errors", ()))
