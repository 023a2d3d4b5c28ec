"""Flask's session cookie: signed with the same key, read and written by either side.

What is kept in it is `user_id`, which Flask services put there, and the `jti` under which this
service can end it.
"""

from __future__ import annotations

import re
import time
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from itsdangerous import BadData
from quart import session
from quart.sessions import SecureCookieSession, SecureCookieSessionInterface

from service.security.tokens import Claims, user_id_in

if TYPE_CHECKING:
    from quart import Quart
    from quart.wrappers import BaseRequestWebsocket

# Never what a token calls itself.
PREFIX = "session:"
OWN_JTI = re.compile(PREFIX + r"[0-9a-f-]{36}")


class DatedSession(SecureCookieSession):
    """A session that knows when its cookie was signed, in seconds since the epoch.

    It also notes itself when it was read, on which `Vary: Cookie` depends. Flask leaves that to its
    context since 3.1.3; Quart's context notes nothing before 0.23, and from then on every session,
    for it touches each to save it.
    """

    signed_at: float = 0.0
    was_read: bool = False

    @property
    def accessed(self) -> bool:
        """Whether the answer depends on it."""
        return self.was_read

    @accessed.setter
    def accessed(self, _: bool) -> None:
        """Nobody else knows."""

    def __getitem__(self, key: str) -> Any:
        self.was_read = True
        return super().__getitem__(key)

    def __contains__(self, key: object) -> bool:
        self.was_read = True
        return super().__contains__(key)

    def get(self, key: str, default: Any = None) -> Any:
        """The value, or the default."""
        self.was_read = True
        return super().get(key, default)


class SessionInterface(SecureCookieSessionInterface):
    """Flask's format, and the moment of the signature beside what it signs."""

    session_class = DatedSession

    async def open_session(
        self, app: Quart, request: BaseRequestWebsocket
    ) -> SecureCookieSession | None:
        """The session of the request's cookie; an empty one without a good cookie."""
        # Werkzeug takes its time to say that there is no cookie, which is so for most clients.
        if not any(name == b"cookie" for name, _ in request.scope["headers"]):
            return DatedSession()
        cookie = request.cookies.get(self.get_cookie_name(app))
        if cookie is None:
            return DatedSession()
        serializer = self.get_signing_serializer(app)
        if serializer is None:
            return None
        life = int(app.permanent_session_lifetime.total_seconds())
        try:
            data, signed = serializer.loads(cookie, max_age=life, return_timestamp=True)
        except BadData:  # what is signed can still be unreadable
            return DatedSession()
        if not isinstance(data, dict):
            return DatedSession()
        opened = DatedSession(data)
        opened.signed_at = signed.timestamp()
        return opened


def new_claims(life: float) -> dict[str, Any]:
    """The `jti` and `exp` under which a new session is recorded."""
    return {"jti": f"{PREFIX}{uuid4()}", "exp": time.time() + life}


def begin(user_id: int, jti: str) -> None:
    """Makes the session of this request's client the user's."""
    session.clear()
    session.update(user_id=user_id, jti=jti)


def claims_of_session(life: float) -> Claims | None:
    """What the request's session cookie says, in the terms of a token; None without a user."""
    user_id, jti = user_id_in(session.get("user_id")), session.get("jti")
    if not user_id:
        return None
    own = isinstance(jti, str) and OWN_JTI.fullmatch(jti)
    signed_at = getattr(session, "signed_at", 0.0)
    return Claims(
        user_id=user_id,
        jti=str(jti) if own else None,
        kind="session",
        fresh=False,
        issued_at=signed_at,
        expires=signed_at + life,
    )
