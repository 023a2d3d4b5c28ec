"""What is accepted and returned when somebody registers, logs in or changes their password."""

from typing import Annotated

import msgspec
from msgspec import Meta

from service.users.schemas import Email, Name, Password


class Registration(msgspec.Struct, forbid_unknown_fields=True):
    """What somebody sends to become a user."""

    email: Email
    password: Password
    name: Name = ""


# PostgreSQL's text holds every character but this one.
NO_NUL = r"^[^\x00]*\Z"

AnyPassword = Annotated[
    str, Meta(max_length=256, extra_json_schema={"format": "password", "writeOnly": True})
]


class Credentials(msgspec.Struct, forbid_unknown_fields=True):
    """What a user sends to log in. Any text is accepted: a wrong one is a 401, not a 422."""

    email: Annotated[str, Meta(max_length=254, pattern=NO_NUL, examples=["ada@example.com"])]
    password: AnyPassword


class PasswordChange(msgspec.Struct, forbid_unknown_fields=True):
    """What a user sends to get another password."""

    current_password: AnyPassword
    new_password: Password


class TokenPair(msgspec.Struct):
    """New tokens. `expires_in`: the access token's life, in seconds."""

    access_token: str
    refresh_token: str
    expires_in: int
    token_type: str = "Bearer"  # noqa: S105 - RFC 6750's word
