"""The application object: Quart, and what every request may reach through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from quart import Quart, current_app

from service.http.body import MsgspecProvider
from service.http.sessions import SessionInterface

if TYPE_CHECKING:
    from service.config import Config
    from service.database.engine import Database
    from service.http.caller import Authenticate
    from service.http.ratelimit import RateLimiter
    from service.security.passwords import Passwords
    from service.security.tokens import Tokens


class Application(Quart):
    """Made by `create_app`. `database` and `limiter` are there from start-up on; `draining` once it
    must end."""

    json_provider_class = MsgspecProvider
    session_interface = SessionInterface()

    settings: Config
    database: Database
    limiter: RateLimiter
    tokens: Tokens
    passwords: Passwords
    authenticate: Authenticate
    draining: bool = False


def application() -> Application:
    """The application that serves the current request."""
    return cast("Application", current_app)
