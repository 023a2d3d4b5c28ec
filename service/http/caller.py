"""Who is asking: a bearer token, checked by whatever `app.authenticate` the application set."""

from dataclasses import dataclass
from typing import Protocol

from quart import request

from service.http.application import application
from service.http.exchange import current_exchange
from service.http.problem import Problem
from service.security.tokens import Claims, InvalidToken, Kind


@dataclass(frozen=True, slots=True)
class Caller:
    """The user behind a request, and the claims of the token that says so."""

    id: int
    role: str
    claims: Claims

    @property
    def is_admin(self) -> bool:
        """Whether this is an administrator."""
        return self.role == "admin"

    def require_admin(self) -> None:
        """Raises `Problem` 403 for anybody but an administrator."""
        if not self.is_admin:
            raise Problem(403, "Only an administrator may do this.")

    def require_self_or_admin(self, user_id: int) -> None:
        """Raises `Problem` 403 for anybody but that user or an administrator."""
        if self.id != user_id and not self.is_admin:
            raise Problem(403, "Only the user concerned or an administrator may do this.")


class Authenticate(Protocol):
    """Finds the caller of valid claims. None: no such user, or the token was revoked."""

    async def __call__(self, claims: Claims) -> Caller | None: ...


async def current_caller(kind: Kind = "access") -> Caller:
    """The caller, by a token of that kind. Raises `Problem` 401."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise unauthorized("Send a token: Authorization: Bearer <token>.")
    app = application()
    try:
        claims = app.tokens.read(token.strip(), kind)
    except InvalidToken as error:
        raise unauthorized(f"Not accepted: {error}.") from None
    caller = await app.authenticate(claims)
    if caller is None:
        raise unauthorized("Not accepted: the token has been revoked.")
    current_exchange.get().user_id = caller.id
    return caller


def unauthorized(detail: str) -> Problem:
    """The 401 of every refused credential."""
    return Problem(401, detail, headers={"WWW-Authenticate": "Bearer"})
