"""What has come for a handler that has not asked for it yet."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, cast

from hypercorn.asyncio.task_group import TaskGroup
from hypercorn.config import Config
from hypercorn.typing import AppWrapper, ASGIReceiveEvent, ASGISendEvent, HTTPScope, Scope

from service.http.asgi import ON_DISCONNECT

# Parts of a body, each at most what is read from a socket at once.
MAX_PARTS = 4


class Inbox:
    """The sender of a body waits while too much of it waits here, but never for a handler that has
    ended; and nobody waits to say `http.disconnect`."""

    def __init__(self) -> None:
        self._events: asyncio.Queue[ASGIReceiveEvent] = asyncio.Queue()
        self._room = asyncio.Event()
        self._ended = False
        self._on_disconnect: Callable[[], None] | None = None

    def on_disconnect(self, call: Callable[[], None]) -> None:
        """What to call when the client goes, for a handler that does not ask."""
        self._on_disconnect = call

    async def put(self, event: ASGIReceiveEvent) -> None:
        """Returns once there is room for the next."""
        if event["type"] == "http.disconnect" and self._on_disconnect is not None:
            # Let go of as well, or all of the request would wait for the garbage collector.
            told, self._on_disconnect = self._on_disconnect, None
            told()
        self._events.put_nowait(event)
        if self._events.qsize() > MAX_PARTS and event["type"] == "http.request":
            while self._events.qsize() > MAX_PARTS and not self._ended:
                self._room.clear()
                await self._room.wait()

    async def get(self) -> ASGIReceiveEvent:
        """ASGI's `receive`."""
        event = await self._events.get()
        self._room.set()
        return event

    def end(self) -> None:
        """Nobody asks any more."""
        self._ended = True
        self._room.set()


class Handlers(TaskGroup):
    """The handlers of one connection, each a task with an inbox."""

    async def spawn_app(
        self,
        app: AppWrapper,
        config: Config,
        scope: Scope,
        send: Callable[[ASGISendEvent | None], Awaitable[None]],
    ) -> Callable[[ASGIReceiveEvent], Awaitable[None]]:
        """Starts a handler; returns what to give its events to."""
        inbox = Inbox()
        cast("HTTPScope", scope)["extensions"][ON_DISCONNECT] = inbox.on_disconnect  # type: ignore[assignment]
        self.spawn(_handle, app, config, scope, inbox, send)
        return inbox.put


async def _handle(
    app: AppWrapper,
    config: Config,
    scope: Scope,
    inbox: Inbox,
    send: Callable[[ASGISendEvent | None], Awaitable[None]],
) -> None:
    try:
        await app(scope, inbox.get, send, _no_threads, _no_threads)
    except Exception:
        await config.log.exception("the application failed")
    finally:
        inbox.end()
        await send(None)


def _no_threads(*_: Any) -> Any:
    raise NotImplementedError("WSGI is not served")
