"""Every error is a problem document with the request's id, and no answer lacks its headers."""

import json
import socket
from collections.abc import Callable
from urllib.parse import urlsplit

import httpx
import pytest

from tests.service.support import Account, Service

LOGIN = "/api/v1/auth/login"
JSON = {"content-type": "application/json"}
LIMIT = 1_048_576

SECURITY_HEADERS = {
    "x-content-type-options": "nosniff",
    "x-frame-options": "SAMEORIGIN",
    "x-xss-protection": "1; mode=block",
    "content-security-policy": "default-src 'none'; frame-ancestors 'self'",
    "referrer-policy": "no-referrer",
    "permissions-policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
}


def every_answer(client: httpx.Client, user: Account) -> dict[int, httpx.Response]:
    """An answer of every status this service gives without being broken."""
    answers = [
        client.get("/health"),
        client.get("/nowhere"),
        client.put("/health"),
        client.options("/health"),
        client.get("/api/v1/users"),
        client.post(LOGIN, content="{}"),
        client.post(LOGIN, content="{", headers=JSON),
        client.post(LOGIN, json={}),
        client.post(LOGIN, content=b" " * (LIMIT + 1), headers=JSON),
        user.http.get(f"/api/v1/users/{user.id + 1}"),
        user.http.patch(f"/api/v1/users/{user.id}", json={"name": "x"}),
        client.post("/api/v1/auth/register", json={"email": user.email, "password": "12345678"}),
        user.http.post("/api/v1/auth/logout"),
    ]
    return {answer.status_code: answer for answer in answers}


def test_every_answer_has_every_header_once(client: httpx.Client, user: Account) -> None:
    answers = every_answer(client, user)
    assert set(answers) == {200, 204, 400, 401, 403, 404, 405, 409, 413, 415, 422}
    for status, answer in answers.items():
        for name, value in SECURITY_HEADERS.items():
            assert answer.headers.get_list(name) == [value], (status, name)
        assert len(answer.headers.get_list("x-request-id")) == 1
        assert "server" not in answer.headers
        assert "strict-transport-security" not in answer.headers


def test_every_error_is_a_problem_document(client: httpx.Client, user: Account) -> None:
    for status, answer in every_answer(client, user).items():
        if status < 400:
            continue
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert (body["type"], body["status"]) == ("about:blank", status)
        assert body["title"]
        assert body["detail"]
        assert body["instance"] == answer.request.url.path
        assert body["request_id"] == answer.headers["x-request-id"]


def test_method_not_allowed_says_which_are(client: httpx.Client) -> None:
    assert set(client.put("/health").headers["allow"].split(", ")) == {"GET", "HEAD", "OPTIONS"}


@pytest.mark.parametrize(
    ("content", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"null", 422),
        (b"[]", 422),
        (b'"text"', 422),
        (b"1e400", 400),
        (b'{"email": "a"} x', 400),
        (b'{"email": 1', 400),
        (b'{"email": "\xff", "password": "x"}', 400),
        (b'{"email": "\\ud800", "password": "x"}', 400),
        (b"[" * 100_000, 400),
        (b'{"email": "\\u0000", "password": "x"}', 422),
        (b'{"email": "a@b.cd", "password": "x", "x": {"y": [1]}}', 422),
    ],
)
def test_bad_bodies(client: httpx.Client, content: bytes, status: int) -> None:
    answer = client.post(LOGIN, content=content, headers=JSON)
    assert answer.status_code == status, answer.text
    assert answer.json()["status"] == status


@pytest.mark.parametrize(
    ("content_type", "accepted"),
    [
        ("application/json", True),
        ("application/json; charset=utf-8", True),
        ("APPLICATION/JSON", True),
        ("application/vnd.api+json", True),
        ("text/plain", False),
        ("application/x-www-form-urlencoded", False),
        ("application/jsonx", False),
        ("", False),
    ],
)
def test_content_types(client: httpx.Client, content_type: str, accepted: bool) -> None:
    body = json.dumps({"email": "nobody@example.com", "password": "x"})
    answer = client.post(LOGIN, content=body, headers={"content-type": content_type})
    assert answer.status_code == (401 if accepted else 415)


def test_body_too_large_without_saying_so_beforehand(client: httpx.Client) -> None:
    chunks = (b" " * 65_536 for _ in range(LIMIT // 65_536 + 1))
    answer = client.post(LOGIN, content=chunks, headers=JSON)
    assert answer.status_code == 413


def test_slow_body_is_ended(own_service: Callable[..., Service]) -> None:
    service = own_service(BODY_TIMEOUT="0.3")
    address = urlsplit(service.url)
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as slow:
        slow.sendall(
            f"POST {LOGIN} HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
            'Content-Length: 100\r\n\r\n{"email"'.encode()
        )
        assert slow.recv(65_536).startswith(b"HTTP/1.1 408 ")


def test_production_answers_carry_strict_transport_security(
    own_service: Callable[..., Service],
) -> None:
    service = own_service(
        FLASK_ENV="production",
        FLASK_HOST="127.0.0.1",
        SECRET_KEY="0123456789abcdefghijklmnopqrstuv",
        JWT_SECRET_KEY="vutsrqponmlkjihgfedcba9876543210",
        CORS_ORIGINS="https://app.test",
    )
    for path in ("/health", "/nowhere"):
        answer = httpx.get(f"{service.url}{path}")
        assert answer.headers.get_list("strict-transport-security") == ["max-age=31536000"]


def test_unexpected_error_says_nothing_but_the_id(
    own_service: Callable[..., Service], empty_database: str
) -> None:
    # A database without tables: a query that no code expects to fail does.
    service = own_service(DATABASE_URL=empty_database)
    body = {"email": "a@example.com", "password": "correct horse"}
    answer = httpx.post(f"{service.url}{LOGIN}", json=body)
    assert answer.status_code == 500
    assert set(answer.json()) == {"type", "title", "status", "detail", "instance", "request_id"}
    assert "users" not in answer.text
    line = service.line(event="unhandled exception")
    assert line["request_id"] == answer.headers["x-request-id"]
    assert line["exception"]["type"] == "UndefinedTableError"
    assert any("queries.py" in frame for frame in line["exception"]["frames"])
    assert "correct horse" not in service.log.read_text()
