"""What is accepted and returned of a user."""

from datetime import datetime
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, UnsetType

# The address a browser accepts (WHATWG), with at least one dot after the @.
EMAIL_PATTERN = (
    r"^[a-zA-Z0-9.!#$%&'*+/=?^_`{|}~-]{1,64}@"
    r"[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?"
    r"(\.[a-zA-Z0-9]([a-zA-Z0-9-]{0,61}[a-zA-Z0-9])?)+\Z"
)

Email = Annotated[
    str,
    Meta(
        max_length=254,
        pattern=EMAIL_PATTERN,
        examples=["ada@example.com"],
        description="An e-mail address, as browsers accept one; kept in lower case.",
        extra={"message": "must be an e-mail address, like ada@example.com"},
    ),
]
Name = Annotated[
    str,
    Meta(
        max_length=200,
        pattern=r"^[^\x00-\x1f\x7f]*\Z",
        examples=["Ada Lovelace"],
        description="What to call them; no control characters.",
        extra={"message": "must be up to 200 characters without control characters"},
    ),
]
Password = Annotated[
    str,
    Meta(
        min_length=8,
        max_length=256,
        extra_json_schema={"format": "password", "writeOnly": True},
        extra={"message": "must have from 8 to 256 characters"},
    ),
]
Role = Literal["user", "admin"]


class NewUser(msgspec.Struct, forbid_unknown_fields=True):
    """What an administrator sends to create a user."""

    email: Email
    password: Password
    name: Name = ""
    role: Role = "user"


class UserChanges(msgspec.Struct, forbid_unknown_fields=True):
    """What may be changed of a user; `role` and `active` by an administrator only."""

    email: Email | UnsetType = UNSET
    name: Name | UnsetType = UNSET
    role: Role | UnsetType = UNSET
    active: bool | UnsetType = UNSET


class UserOut(msgspec.Struct):
    """A user as the API shows one."""

    id: Annotated[int, Meta(ge=1, extra_json_schema={"format": "int64"})]
    email: Annotated[str, Meta(examples=["ada@example.com"])]
    name: Annotated[str, Meta(examples=["Ada Lovelace"])]
    role: Role
    active: bool
    created_at: Annotated[datetime, Meta(tz=True)]
    updated_at: Annotated[datetime, Meta(tz=True)]


class UserPage(msgspec.Struct):
    """Some users; `next_cursor` fetches those after them, null at the end."""

    items: list[UserOut]
    next_cursor: Annotated[str, Meta(examples=["MjA"])] | None
