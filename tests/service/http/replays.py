"""Requests with an `Idempotency-Key`, and what makes an answer a replay."""

from typing import Any

import httpx

from tests.service import web
from tests.service.support import Service

REGISTER = "/api/v1/auth/register"
REPLAYED = "idempotent-replayed"


def send(
    service: Service, key: str | bytes, body: Any, path: str = REGISTER, **headers: str
) -> httpx.Response:
    all_headers = {"Idempotency-Key": key} | headers
    return web.post(f"{service.url}{path}", json=body, headers=all_headers)


def assert_replay(again: httpx.Response, first: httpx.Response) -> None:
    assert again.headers[REPLAYED] == "true"
    assert REPLAYED not in first.headers
    assert (again.status_code, again.content) == (first.status_code, first.content)
    for name in ("content-type", "location", "content-length"):
        assert again.headers.get_list(name) == first.headers.get_list(name)
