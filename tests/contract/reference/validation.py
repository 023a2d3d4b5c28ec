"""What a body or a query may hold."""

import re
from collections.abc import Callable, Mapping
from http import HTTPStatus
from typing import Any

from flask import request

from tests.contract.reference.errors import Problem

Check = Callable[[Any], str | None]
"""What is wrong with the value, or None."""

EMAIL = re.compile(
    r"[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+"
)
NAME = re.compile(r"[^\x00-\x1f\x7f]{0,200}")


def is_email(value: Any) -> str | None:
    """An address a browser accepts."""
    good = isinstance(value, str) and len(value) <= 254 and EMAIL.fullmatch(value)
    return None if good else "must be an e-mail address, like ada@example.com"


def is_name(value: Any) -> str | None:
    """Up to 200 printable characters."""
    good = isinstance(value, str) and NAME.fullmatch(value)
    return None if good else "must be up to 200 characters without control characters"


def is_password(value: Any) -> str | None:
    """8 to 256 characters."""
    good = isinstance(value, str) and 8 <= len(value) <= 256
    return None if good else "must have from 8 to 256 characters"


def is_role(value: Any) -> str | None:
    """One of the roles there are."""
    return None if value in ("user", "admin") else "must be user or admin"


def is_boolean(value: Any) -> str | None:
    """true or false."""
    return None if isinstance(value, bool) else "must be true or false"


def is_text(limit: int) -> Check:
    """Text up to a length, without the character PostgreSQL cannot hold."""

    def check(value: Any) -> str | None:
        good = isinstance(value, str) and len(value) <= limit and "\0" not in value
        return None if good else f"must be text of up to {limit} characters"

    return check


def read_json(fields: Mapping[str, Check], required: tuple[str, ...] = ()) -> dict[str, Any]:
    """The body, an object of these fields. Raises `Problem`, or Werkzeug's 400, 413 and 415."""
    body = request.get_json()
    if not isinstance(body, dict):
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, "The body must be a JSON object.")
    found = {name: "is not a known field" for name in body if name not in fields}
    found |= {name: "is required" for name in required if name not in body}
    for name, check in fields.items():
        if name in body and (wrong := check(body[name])):
            found[name] = wrong
    refuse(found, "Some fields are not valid.")
    return body


def refuse(found: Mapping[str, str], detail: str) -> None:
    """Raises `Problem` 422 if there is anything wrong."""
    if found:
        errors = [{"field": name, "message": message} for name, message in found.items()]
        raise Problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail, errors)
