"""Who is asking: a credential, checked by whatever `app.authenticate` the application set."""

from dataclasses import dataclass
from typing import Protocol

from service.http.application import application
from service.http.credentials import presented, unauthorized
from service.http.exchange import current_exchange
from service.http.problem import Problem
from service.security.tokens import Claims, Wanted


@dataclass(frozen=True, slots=True)
class Caller:
    """The user behind a request, and the claims of the credential that says so."""

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
    """Finds the caller of valid claims. None: no such user, or the credential was revoked."""

    async def __call__(self, claims: Claims) -> Caller | None: ...


async def current_caller(wanted: Wanted = "access", *, or_session: bool = False) -> Caller:
    """The caller, by a token of that kind or, without one, by their session. Raises `Problem`
    401."""
    claims = presented(wanted, or_session=or_session)
    caller = await application().authenticate(claims)
    if caller is None:
        raise unauthorized(REVOKED)
    current_exchange.get().user_id = caller.id
    return caller


REVOKED = "Not accepted: the token has been revoked."
