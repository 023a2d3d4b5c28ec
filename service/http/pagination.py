"""Keyset pagination: a page costs the same however far down the list it is."""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, TypeVar
from urllib.parse import urlencode

from msgspec import Meta
from quart import Response, request

from service.http.body import json_response
from service.http.operation import Parameter
from service.http.problem import Problem

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
# What PostgreSQL's bigint holds.
LARGEST_ID = 2**63 - 1
SMALL_NUMBER = re.compile(r"[0-9]{1,9}")

PAGE_PARAMETERS = (
    Parameter(
        "limit",
        Annotated[int, Meta(ge=1, le=MAX_LIMIT, extra_json_schema={"default": DEFAULT_LIMIT})],
        "How many at most.",
    ),
    Parameter(
        "cursor",
        Annotated[str, Meta(extra_json_schema={"format": "cursor"})],
        "Where to go on: `next_cursor` of the page before.",
    ),
)

Item = TypeVar("Item")


@dataclass(frozen=True, slots=True)
class Page:
    """`limit` items whose id is greater than `after`."""

    limit: int
    after: int


def requested_page() -> Page:
    """The page `?limit=&cursor=` asks for. Raises `Problem` 422."""
    errors = []
    raw_limit = request.args.get("limit", str(DEFAULT_LIMIT))
    limit = int(raw_limit) if SMALL_NUMBER.fullmatch(raw_limit) else 0
    if not 1 <= limit <= MAX_LIMIT:
        errors.append({"field": "limit", "message": f"must be from 1 to {MAX_LIMIT}"})
    after = 0
    if cursor := request.args.get("cursor"):
        try:
            after = _decode(cursor)
        except ValueError:
            errors.append({"field": "cursor", "message": "is not one this service gave"})
    if errors:
        raise Problem(422, "Some parameters are not valid.", errors=errors)
    return Page(limit, after)


def page_response(rows: Sequence[Item], page: Page, key: Callable[[Item], int]) -> Response:
    """The rows of one page; queries fetch `limit + 1` so that a next page is known to exist."""
    items = rows[: page.limit]
    if len(rows) <= page.limit:
        return json_response({"items": items, "next_cursor": None})
    cursor = _encode(key(items[-1]))
    arguments: dict[str, Any] = {**request.args.to_dict(), "limit": page.limit, "cursor": cursor}
    link = f'<{request.path}?{urlencode(arguments)}>; rel="next"'
    return json_response({"items": items, "next_cursor": cursor}, headers={"Link": link})


def _encode(last_id: int) -> str:
    return base64.urlsafe_b64encode(str(last_id).encode()).rstrip(b"=").decode()


def _decode(cursor: str) -> int:
    try:
        raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    except binascii.Error as error:
        raise ValueError("not base64") from error
    last_id = int(raw) if raw.isdigit() and len(raw) <= 19 else -1
    if not 0 <= last_id <= LARGEST_ID:
        raise ValueError("not an id")
    return last_id
