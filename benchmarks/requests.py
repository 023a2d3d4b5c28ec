"""Requests as the bytes that are sent."""

import json
from collections.abc import Mapping


def get(path: str, token: str = "") -> bytes:
    """A GET."""
    return f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{_bearer(token)}\r\n".encode()


def post(path: str, content: Mapping[str, str], token: str = "") -> bytes:
    """A POST of JSON."""
    body = json.dumps(content)
    return (
        f"POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n{_bearer(token)}"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def _bearer(token: str) -> str:
    return f"Authorization: Bearer {token}\r\n" if token else ""
