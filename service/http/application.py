"""The application object: Quart, and what every request may reach through it."""

from __future__ import annotations

from typing import TYPE_CHECKING, cast

from quart import Quart, current_app

from service.http.body import MsgspecProvider

if TYPE_CHECKING:
    from service.config import Config
    from service.database.engine import Database
    from service.http.caller import Authenticate
    from service.security.passwords import Passwords
    from service.security.tokens import Tokens


class Application(Quart):
    """Made by `create_app`. `database` is there from start-up on; `draining` once it must end."""

    json_provider_class = MsgspecProvider

    settings: Config
    database: Database
    tokens: Tokens
    passwords: Passwords
    authenticate: Authenticate
    draining: bool = False


def application() -> Application:
    """The application that serves the current request."""
    return cast("Application", current_app)
