"""Access and refresh tokens with the claims Flask-JWT-Extended gives them, signed with HS256."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any, Literal
from uuid import uuid4

import jwt

ALGORITHM = "HS256"
REQUIRED = ["exp", "iat", "jti", "sub", "type"]

Kind = Literal["access", "refresh"]


class InvalidToken(Exception):  # noqa: N818 - names what was presented
    """The token is not accepted; the message may be shown to the client."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid token says. `expires`: seconds since the epoch."""

    user_id: int
    jti: str
    kind: str
    fresh: bool
    expires: int


class Tokens:
    """Mints and reads tokens with one key. Lives are in seconds."""

    def __init__(self, key: str, *, access_life: int, refresh_life: int) -> None:
        self._key = key
        self.access_life = access_life
        self.refresh_life = refresh_life

    def mint(self, kind: Kind, user_id: int, *, fresh: bool = False) -> str:
        """A new token for the user."""
        now = int(time.time())
        life = self.access_life if kind == "access" else self.refresh_life
        claims: dict[str, Any] = {
            "fresh": fresh,
            "iat": now,
            "jti": str(uuid4()),
            "type": kind,
            "sub": str(user_id),
            "nbf": now,
            "csrf": str(uuid4()),
            "exp": now + life,
        }
        return jwt.encode(claims, self._key, ALGORITHM)

    def read(self, token: str, kind: Kind) -> Claims:
        """The claims of a token of that kind. Raises `InvalidToken`."""
        try:
            claims = jwt.decode(token, self._key, [ALGORITHM], options={"require": REQUIRED})
        except jwt.ExpiredSignatureError:
            raise InvalidToken("the token has expired") from None
        except jwt.InvalidTokenError:
            raise InvalidToken("the token is not valid") from None
        if claims["type"] != kind:
            raise InvalidToken(f"a token of type {kind} is needed here")
        subject = claims["sub"]
        if not (subject.isascii() and subject.isdigit() and len(subject) < 19):
            raise InvalidToken("the token names no user of this service")
        return Claims(
            int(subject), str(claims["jti"]), kind, bool(claims.get("fresh")), claims["exp"]
        )
