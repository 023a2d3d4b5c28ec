"""Access and refresh tokens, minted and read as Flask-JWT-Extended does, by the same settings."""

from __future__ import annotations

import hashlib
import hmac
import re
import time
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal
from uuid import uuid4

import jwt

from service.config import Config
from service.observability.metrics import fallback_key_tokens

Kind = Literal["access", "refresh"]
Wanted = Literal["access", "refresh", "any"]

DIGITS = re.compile(r"[0-9]{1,19}")
# What `revoked_tokens.jti` can hold.
LONGEST_JTI = 64
# Tokens whose signature is not checked again: how many, of how many characters at most.
KNOWN = 1024
LONGEST_KNOWN = 2048
# The last second of the year 9999, which is the last PostgreSQL and Python both know.
END_OF_TIME = 253_402_300_799


class InvalidToken(Exception):  # noqa: N818 - names what was presented
    """The token is not accepted; the message may be shown to the client."""


@dataclass(frozen=True, slots=True)
class Claims:
    """What a valid credential says. Times are in seconds since the epoch; `jti` is None for a
    token that has none, `kind` may be one of another application's."""

    user_id: int
    jti: str | None
    kind: str
    fresh: bool
    issued_at: float
    expires: float


class Tokens:
    """Mints and reads tokens as the `JWT_*` keys say."""

    def __init__(self, settings: Config) -> None:
        self._settings = settings
        self._algorithms = [settings.JWT_ALGORITHM, *settings.JWT_DECODE_ALGORITHMS]
        self._keys = [settings.JWT_SECRET_KEY, *settings.JWT_SECRET_KEY_FALLBACKS]
        self._known = lru_cache(KNOWN)(self._verified)
        self.access_life = settings.JWT_ACCESS_TOKEN_EXPIRES
        self.refresh_life = settings.JWT_REFRESH_TOKEN_EXPIRES

    def claims(self, kind: Kind, user_id: int, *, fresh: bool = False) -> dict[str, Any]:
        """What a new token of the user is to say; `sign` makes the token of it."""
        settings = self._settings
        now = int(time.time())
        life = self.access_life if kind == "access" else self.refresh_life
        claims: dict[str, Any] = {
            "fresh": fresh,
            "iat": now,
            "jti": str(uuid4()),
            "type": kind,
            settings.JWT_IDENTITY_CLAIM: str(user_id),
        }
        if settings.JWT_ENCODE_NBF:
            claims["nbf"] = now
        if settings.JWT_COOKIE_CSRF_PROTECT:
            claims["csrf"] = str(uuid4())
        if settings.JWT_ENCODE_AUDIENCE:
            claims["aud"] = settings.JWT_ENCODE_AUDIENCE
        if settings.JWT_ENCODE_ISSUER:
            claims["iss"] = settings.JWT_ENCODE_ISSUER
        claims["exp"] = now + life
        return claims

    def sign(self, claims: Mapping[str, Any]) -> str:
        """The token that says this."""
        return jwt.encode(dict(claims), self._settings.JWT_SECRET_KEY, self._settings.JWT_ALGORITHM)

    def read(self, token: str, wanted: Wanted, *, csrf: str | None = None) -> Claims:
        """What a token says. `csrf`: what its claim of that name must be. Raises `InvalidToken`.

        A token may lack `jti`, `exp`, `fresh` and `type`, which is then access, and may hold any
        other claim, as with Flask-JWT-Extended.
        """
        claims = self._claims(token)
        kind = claims.get("type", "access")
        if wanted == "refresh" and kind != "refresh":
            raise InvalidToken("a refresh token is needed here")
        if wanted == "access" and kind == "refresh":
            raise InvalidToken("an access token is needed here")
        if csrf is not None and not _same(claims.get("csrf"), csrf):
            raise InvalidToken("the CSRF token does not fit")
        user_id = user_id_in(claims.get(self._settings.JWT_IDENTITY_CLAIM))
        if user_id is None:
            raise InvalidToken("the token names no user of this service")
        return Claims(
            user_id=user_id,
            jti=_storable(claims.get("jti")),
            kind=str(kind),
            fresh=_is_fresh(claims.get("fresh", False)),
            issued_at=_moment(claims.get("iat", 0)),
            expires=_moment(claims.get("exp", END_OF_TIME)),
        )

    def _claims(self, token: str) -> Mapping[str, Any]:
        """A signature that was good once stays so, and checking it costs as much as asking the
        database. Its times are judged by the clock of now, wherever that was set to."""
        verified = self._known if len(token) <= LONGEST_KNOWN else self._verified
        claims, current = verified(token)
        now, leeway = time.time(), self._settings.JWT_DECODE_LEEWAY
        if "exp" in claims and int(claims["exp"]) <= now - leeway:
            raise InvalidToken("the token has expired")
        if any(int(claims[name]) > now + leeway for name in ("nbf", "iat") if name in claims):
            raise InvalidToken("the token is not valid")
        if not current:
            fallback_key_tokens.inc()
        return claims

    def _verified(self, token: str) -> tuple[Mapping[str, Any], bool]:
        """The claims, and whether the current key signed them."""
        for key in self._keys:
            try:
                claims = self._decode_with(key, token)
            except jwt.InvalidSignatureError:
                continue
            except jwt.ExpiredSignatureError:
                raise InvalidToken("the token has expired") from None
            # The others: times that are no numbers, which PyJWT does not catch.
            except (jwt.PyJWTError, TypeError, ValueError, OverflowError):
                break
            return claims, key is self._keys[0]
        raise InvalidToken("the token is not valid")

    def _decode_with(self, key: str, token: str) -> dict[str, Any]:
        settings = self._settings
        audience = settings.JWT_DECODE_AUDIENCE
        return jwt.decode(
            token,
            key,
            self._algorithms,
            options={"verify_aud": bool(audience), "verify_sub": settings.JWT_VERIFY_SUB},
            audience=audience or None,
            issuer=settings.JWT_DECODE_ISSUER or None,
            leeway=settings.JWT_DECODE_LEEWAY,
        )


def _moment(claim: Any) -> float:
    """The seconds PyJWT has accepted, within what PostgreSQL can hold."""
    number = claim if isinstance(claim, int | float) else float(claim)
    return float(max(0, min(number, END_OF_TIME)))


def _same(claim: object, sent: str) -> bool:
    return isinstance(claim, str) and hmac.compare_digest(claim.encode(), sent.encode())


def user_id_in(subject: object) -> int | None:
    """The id in a token's subject or a session, a number or its digits; None if it is neither."""
    if isinstance(subject, str) and DIGITS.fullmatch(subject):
        subject = int(subject)
    if type(subject) is int and 0 <= subject < 2**63:
        return subject
    return None


def _storable(jti: object) -> str | None:
    """The id under which a token is revoked; an id the table cannot hold is hashed."""
    if jti is None:
        return None
    text = str(jti)
    if 0 < len(text) <= LONGEST_JTI and text.isascii() and text.isprintable():
        return text
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _is_fresh(fresh: object) -> bool:
    """True, or a moment until which the token is fresh."""
    if isinstance(fresh, int | float) and not isinstance(fresh, bool):
        return fresh >= time.time()
    return bool(fresh)
