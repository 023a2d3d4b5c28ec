"""The application object: Quart, and what every request may reach through it."""

from __future__ import annotations

import asyncio
from inspect import CO_COROUTINE
from typing import TYPE_CHECKING, Any, cast

import structlog
from quart import Quart, Response, current_app

from service.http.asgi import HTTPConnection, MatchedRequest
from service.http.body import MsgspecProvider
from service.http.exchange import current_exchange
from service.http.problem import PROBLEM_JSON, RETRY_AFTER, problem_body
from service.http.sessions import SessionInterface

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Sequence

    from quart.typing import ResponseTypes
    from quart.wrappers import Request

    from service.config import Config
    from service.database.engine import Database
    from service.http.caller import Authenticate
    from service.http.ratelimit import RateLimiter
    from service.security.passwords import Passwords
    from service.security.tokens import Tokens


log = structlog.get_logger()


class Application(Quart):
    """Made by `create_app`. `database` and `limiter` are there from start-up on; `draining` once it
    must end. `headers`: of every answer."""

    asgi_http_class = HTTPConnection
    request_class = MatchedRequest
    json_provider_class = MsgspecProvider
    session_interface = SessionInterface()

    settings: Config
    database: Database
    limiter: RateLimiter
    tokens: Tokens
    passwords: Passwords
    authenticate: Authenticate
    draining: bool = False
    headers: Sequence[tuple[bytes, bytes]] = ()

    def ensure_async(self, func: Callable[..., Any]) -> Callable[..., Awaitable[Any]]:
        """Quart's, which asks `inspect` some ten times for each request."""
        code = getattr(func, "__code__", None)
        if code is not None and code.co_flags & CO_COROUTINE:
            return func
        return super().ensure_async(func)

    async def handle_request(self, request: Request) -> ResponseTypes:
        """Quart's, but no longer than REQUEST_TIMEOUT: then what the handler has begun in the
        database is undone, and the answer is 503."""
        try:
            async with asyncio.timeout(self.settings.REQUEST_TIMEOUT) as limit:
                return await super().handle_request(request)
        except TimeoutError as error:
            if not limit.expired():
                raise
            log.warning("request given up", exc_info=error.__cause__)
        detail = "It took too long and was given up; try again shortly."
        body = problem_body(
            503, detail, request_id=current_exchange.get().request_id, instance=request.path
        )
        return Response(body, 503, {"Retry-After": RETRY_AFTER, "Content-Type": PROBLEM_JSON})


def application() -> Application:
    """The application that serves the current request."""
    return cast("Application", current_app)
