"""How code anywhere below the routes ends a request with an error, and what its answer says."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

PROBLEM_JSON = "application/problem+json"
# How long a client should wait, in seconds, for what is meant to be over soon.
RETRY_AFTER = "1"
STATUSES = frozenset(status.value for status in HTTPStatus)


class Problem(Exception):  # noqa: N818 - RFC 9457's word
    """Ends the request with this answer. `errors`: one `{"field", "message"}` per bad value."""

    def __init__(
        self,
        status: int,
        detail: str,
        *,
        errors: Sequence[Mapping[str, str]] = (),
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.errors = errors
        self.headers = headers or {}


def problem_body(
    status: int,
    detail: str,
    *,
    request_id: str,
    instance: str | None = None,
    **members: Any,
) -> bytes:
    """The answer's JSON: RFC 9457's members, `request_id`, and `members` that say something."""
    body: dict[str, Any] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase if status in STATUSES else "Error",
        "status": status,
        "detail": detail,
    }
    if instance is not None:
        body["instance"] = instance
    body["request_id"] = request_id
    body.update((name, value) for name, value in members.items() if value)
    return msgspec.json.encode(body)
