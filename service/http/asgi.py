"""Quart's way from ASGI to a request and back, for most requests in one task where it takes three.

Quart reads on while a request is worked on, to see its client go: a task for that, one for the
handler, and one that waits for both. Our server says it without being asked.
"""

import asyncio
from typing import Any

from hypercorn.typing import ASGIReceiveCallable, ASGISendCallable
from quart import Response
from quart.asgi import ASGIHTTPConnection
from quart.typing import ResponseTypes
from quart.wrappers import Request
from quart.wrappers.response import DataBody
from werkzeug.utils import cached_property

from service.http.exchange import current_exchange

# The extension of the scope by which a server takes what to call when the client has gone.
ON_DISCONNECT = "quartermaster.on_disconnect"


class MatchedRequest(Request):
    """Quart's, which looks the route's blueprints up once, not three times."""

    @cached_property
    def blueprints(self) -> list[str]:
        """As Quart's."""
        return super().blueprints


class HTTPConnection(ASGIHTTPConnection):
    """One request and its answer."""

    _answered = False

    async def __call__(self, receive: ASGIReceiveCallable, send: ASGISendCallable) -> None:
        """ASGI. The handler is cancelled when its client goes."""
        extensions: dict[str, Any] = self.scope["extensions"] or {}
        on_disconnect = extensions.get(ON_DISCONNECT)
        if on_disconnect is None or current_exchange.get().body_size:
            await super().__call__(receive, send)
            return
        request = self._create_request_from_scope(send)
        request.body.set_complete()
        task = asyncio.current_task()
        gone = False

        def cancel() -> None:
            nonlocal gone
            # Who has answered, or is told by its own sending, ends by itself.
            if not self._answered and task is not None and task is not asyncio.current_task():
                gone = task.cancel()

        on_disconnect(cancel)
        try:
            await self.handle_request(request, send)
        except asyncio.CancelledError:
            if task is None or not gone or task.uncancel():
                raise

    async def _send_response(self, send: ASGISendCallable, response: ResponseTypes) -> None:
        """As Quart's; a body that is there as a whole is sent as a whole."""
        if not isinstance(response, Response) or type(response.response) is not DataBody:
            await super()._send_response(send, response)
            return
        whole = response.response
        headers = [(name.lower().encode(), value.encode()) for name, value in response.headers]
        start: Any = {
            "type": "http.response.start",
            "status": response.status_code,
            "headers": headers,
        }
        await send(start)
        body = whole.data[whole.begin : whole.end]
        self._answered = True
        await send({"type": "http.response.body", "body": body, "more_body": False})
