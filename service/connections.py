"""The connections of one process: how they are accepted, and how they are drained."""

import asyncio
import logging
import socket
from contextlib import suppress
from typing import cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    ConnectionState,
    Scope,
)

from service.http.application import Application
from service.http1 import Connection, configuration

# How long a drain still answers idle connections: a request may be on its way.
IDLE_GRACE = 2.0
# How long handlers may take to unwind after `http.disconnect`.
UNWIND_LIMIT = 1.0

log = logging.getLogger(__name__)


class Connections:
    """The open connections of this process, each a task in which Hypercorn speaks HTTP."""

    def __init__(self, app: Application, context: WorkerContext, keep_alive: float) -> None:
        self._app = app
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._open: dict[asyncio.Task[None], Connection | None] = {}
        self._config = configuration(keep_alive)

    def accept_from(self, listener: socket.socket) -> None:
        if not self._app.draining:
            self._loop.add_reader(listener, self._accept, listener)

    def stop_accepting_from(self, listener: socket.socket, *, shared: bool) -> None:
        self._loop.remove_reader(listener)
        # The kernel has accepted these for us already: closing the listener would reset them.
        while self._accept(listener):
            pass
        if not shared:
            with suppress(OSError):  # not every system can do this to a listener
                listener.shutdown(socket.SHUT_RDWR)
        listener.close()

    async def drain(self, seconds: float) -> None:
        """Answers with `Connection: close`, closes what is idle after `IDLE_GRACE`, lets requests
        finish; at the deadline those that are left see `http.disconnect`."""
        deadline = self._loop.time() + seconds
        log.info("draining %d connections, for %g s at most", len(self._open), seconds)
        await self._until_closed(min(IDLE_GRACE, seconds))
        await self._context.terminated.set()  # Hypercorn closes what is idle
        await self._until_closed(deadline - self._loop.time())
        if self._open:
            log.warning("%d connections still open at the deadline", len(self._open))
            ended = [
                asyncio.ensure_future(each.disconnect()) for each in self._open.values() if each
            ]
            await asyncio.wait([*self._open, *ended], timeout=UNWIND_LIMIT)

    async def _until_closed(self, seconds: float) -> None:
        if self._open:
            await asyncio.wait(self._open, timeout=max(seconds, 0))

    def _accept(self, listener: socket.socket) -> bool:
        try:
            peer, _ = listener.accept()
        except (BlockingIOError, InterruptedError, ConnectionAbortedError):
            return False  # another worker was faster, or the client has gone
        except OSError as error:  # no file descriptor left, and the listener stays readable
            log.warning("cannot accept: %s", error.strerror)
            self._loop.remove_reader(listener)
            self._loop.call_later(1.0, self.accept_from, listener)
            return False
        task = self._loop.create_task(self._converse(peer))
        self._open[task] = None
        task.add_done_callback(self._ended)
        return True

    async def _converse(self, peer: socket.socket) -> None:
        peer.setblocking(False)
        reader = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(reader)
        transport, _ = await self._loop.connect_accepted_socket(lambda: protocol, peer)
        writer = asyncio.StreamWriter(transport, protocol, reader, self._loop)
        connection = Connection(
            ASGIWrapper(self._call),
            self._loop,
            self._config,
            self._context,
            ConnectionState({}),
            reader,
            writer,
        )
        if task := asyncio.current_task():
            self._open[task] = connection
        await connection

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._open[task]
        if not task.cancelled() and (error := task.exception()):
            log.error("a connection failed", exc_info=error)

    async def _call(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        async def send_closing(event: ASGISendEvent) -> None:
            if event["type"] == "http.response.start" and self._app.draining:
                kept = [each for each in event.get("headers", ()) if each[0] != b"connection"]
                headers = [*kept, (b"connection", b"close")]
                event = cast("ASGISendEvent", {**event, "headers": headers})
            await send(event)

        http1 = scope["type"] == "http" and scope["http_version"] < "2"
        await self._app(scope, receive, send_closing if http1 else send)
