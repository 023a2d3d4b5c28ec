"""The line of each request: its keys, its id, and what a client cannot make of it."""

import json
import re
import socket
from urllib.parse import urlsplit
from uuid import uuid4

import httpx
import pytest

from tests.service.support import Account, Service

KEYS = [
    "timestamp",
    "level",
    "event",
    "request_id",
    "method",
    "path",
    "status",
    "duration_ms",
    "user_id",
]


def test_line_has_the_contract_keys_first_and_in_order(service: Service, user: Account) -> None:
    answer = user.http.get(f"/api/v1/users/{user.id}?secret=in-the-query")
    line = service.line(request_id=answer.headers["x-request-id"])
    assert list(line)[:9] == KEYS
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", line["timestamp"])
    assert (line["level"], line["event"], line["method"]) == ("INFO", "request", "GET")
    assert (line["path"], line["status"]) == (f"/api/v1/users/{user.id}", 200)
    assert line["duration_ms"] > 0
    assert line["user_id"] == user.id
    assert line["route"] == "/api/v1/users/<id:user_id>"
    assert (line["client"], line["pid"]) == ("127.0.0.1", service.process.pid)
    assert "in-the-query" not in service.log.read_text()


def test_every_line_of_the_stream_has_the_same_first_keys(service: Service) -> None:
    httpx.get(f"{service.url}/health")
    for line in service.lines():
        assert list(line)[:9] == KEYS


def test_anonymous_and_unrouted(service: Service, client: httpx.Client) -> None:
    answer = client.get("/nowhere")
    line = service.line(request_id=answer.headers["x-request-id"])
    assert (line["user_id"], line["route"], line["status"]) == (None, None, 404)


@pytest.mark.parametrize("given", ["abc123", "0-9._:+/=@-", "x" * 128])
def test_well_formed_id_is_kept(service: Service, client: httpx.Client, given: str) -> None:
    answer = client.get("/nowhere", headers={"X-Request-ID": given})
    assert answer.headers["x-request-id"] == given == answer.json()["request_id"]
    assert service.line(request_id=given)["path"] == "/nowhere"


@pytest.mark.parametrize("given", ["", "x" * 129, "a b", "a\tb", '"', "<script>", "é"])
def test_ill_formed_id_is_replaced(client: httpx.Client, given: str) -> None:
    answer = client.get("/health", headers={"X-Request-ID": given.encode()})
    assert re.fullmatch("[0-9a-f]{32}", answer.headers["x-request-id"])


def test_trace_id_is_taken_from_traceparent(service: Service, client: httpx.Client) -> None:
    trace_id = uuid4().hex
    headers = {"traceparent": f"00-{trace_id}-00f067aa0ba902b7-01"}
    answer = client.get("/health", headers=headers)
    assert service.line(request_id=answer.headers["x-request-id"])["trace_id"] == trace_id
    bad = client.get("/health", headers={"traceparent": f"00-{'0' * 32}-00f067aa0ba902b7-01"})
    assert "trace_id" not in service.line(request_id=bad.headers["x-request-id"])


@pytest.mark.parametrize(
    "path",
    [
        "/%0a%7b%22level%22:%22ERROR%22%7d",
        "/%1b%5d0;title%07",
        "/%c2%9b31m",
        "/%e2%80%ae",
        "/%e2%80%a8",
        "/%7f",
        "/%ff%fe",
        "/caf%c3%a9",
    ],
)
def test_path_cannot_forge_a_line_or_drive_a_terminal(service: Service, path: str) -> None:
    request_id = uuid4().hex
    address = urlsplit(service.url)
    # By hand: a client library would normalise the path.
    with socket.create_connection((address.hostname, address.port or 0), timeout=10) as peer:
        peer.sendall(
            f"GET {path} HTTP/1.1\r\nHost: x\r\nX-Request-ID: {request_id}\r\n"
            "Connection: close\r\n\r\n".encode()
        )
        while peer.recv(65_536):
            pass
    service.line(request_id=request_id)
    raw = [line for line in service.log.read_bytes().split(b"\n") if request_id.encode() in line]
    assert len(raw) == 1
    assert raw[0].isascii()
    assert raw[0].decode().isprintable()
    assert json.loads(raw[0])["path"].isprintable()


def test_no_credential_is_ever_logged(service: Service, user: Account) -> None:
    user.http.get("/api/v1/auth/me", headers={"Cookie": "session=very-private"})
    user.http.post("/api/v1/auth/logout")
    httpx.post(f"{service.url}/api/v1/auth/login", content=user.password)
    marker = httpx.get(f"{service.url}/health").headers["x-request-id"]
    service.line(request_id=marker)
    log = service.log.read_text()
    secrets = [user.password, "very-private", *user.tokens.values()]
    for secret in secrets:
        if isinstance(secret, str) and secret != "Bearer":
            assert secret not in log
