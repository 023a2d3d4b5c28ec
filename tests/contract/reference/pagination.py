"""Keyset pagination: `?limit=&cursor=`, and a `Link` to the next page."""

import base64
from typing import Any
from urllib.parse import urlencode

from flask import Response, jsonify, request
from sqlalchemy import Select

from tests.contract.reference.extensions import db
from tests.contract.reference.models import User
from tests.contract.reference.validation import is_email, refuse

DEFAULT_LIMIT = 20
MAX_LIMIT = 100
INVALID = "Some parameters are not valid."


def email_filter() -> str | None:
    """`?email=`. Raises `Problem` 422."""
    email = request.args.get("email")
    if email is not None and (wrong := is_email(email)):
        refuse({"email": wrong}, INVALID)
    return email


def page_of(query: Select[Any]) -> Response:
    """The page the request asks for. Raises `Problem` 422."""
    limit, after = requested_page()
    # One row more than asked for tells whether there is a next page.
    rows = db.session.scalars(query.filter(User.id > after).order_by(User.id).limit(limit + 1))
    users = [user.to_dict() for user in rows]
    if len(users) <= limit:
        return jsonify(items=users, next_cursor=None)
    del users[limit:]
    cursor = encode(users[-1]["id"])
    answer = jsonify(items=users, next_cursor=cursor)
    arguments = request.args.to_dict() | {"limit": limit, "cursor": cursor}
    answer.headers["Link"] = f'<{request.path}?{urlencode(arguments)}>; rel="next"'
    return answer


def requested_page() -> tuple[int, int]:
    """How many users, and after which id."""
    found: dict[str, str] = {}
    raw = request.args.get("limit", str(DEFAULT_LIMIT))
    limit = int(raw) if raw.isascii() and raw.isdigit() else 0
    if not 1 <= limit <= MAX_LIMIT:
        found["limit"] = f"must be from 1 to {MAX_LIMIT}"
    after = 0
    if cursor := request.args.get("cursor"):
        try:
            after = decode(cursor)
        except ValueError:
            found["cursor"] = "is not one this service gave"
    refuse(found, INVALID)
    return limit, after


def encode(last_id: object) -> str:
    """The cursor after this id: opaque to clients, the same on both sides."""
    return base64.urlsafe_b64encode(str(last_id).encode()).rstrip(b"=").decode()


def decode(cursor: str) -> int:
    """The id a cursor names. Raises `ValueError`."""
    raw = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True)
    last_id = int(raw) if raw.isdigit() else -1
    if not 0 <= last_id < 2**63:
        raise ValueError("not an id")
    return last_id
