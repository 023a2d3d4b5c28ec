"""The connections of one process: how they are accepted, and how they are drained."""

import asyncio
import logging
import resource
import socket
import sys
from collections.abc import Sequence
from contextlib import suppress
from typing import cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    Scope,
)

from service.http.application import Application
from service.http1 import Connection, configuration
from service.listeners import turn_away

BACKLOG = 2048
# In one turn of the event loop, which serves every other client as well: one at a time, the last of
# two hundred waited a second. All at once, another worker would get none.
ACCEPTED_AT_ONCE = 16
# How long handshakes that have begun may still take, in seconds: round trips of one region.
HANDSHAKE = 0.02
# Descriptors kept for the database, logs, and whatever else a request opens.
RESERVED = 128
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
        self._most = _most()
        self._full: list[socket.socket] = []
        self._was_full = False
        self._config = configuration(keep_alive, app.headers)

    def accept_from(self, listener: socket.socket) -> None:
        """Accepts whoever comes. Past as many connections as there are descriptors for, newcomers
        wait in the kernel until one closes."""
        if not self._app.draining:
            self._loop.add_reader(listener, self._accept_if_room, listener)

    def _accept_if_room(self, listener: socket.socket) -> None:
        for _ in range(ACCEPTED_AT_ONCE):
            if len(self._open) >= self._most:
                break
            if not self._accept(listener):
                return
        else:
            return
        if not self._was_full:
            self._was_full = True
            log.warning("no room for more than %d connections", self._most)
        self._loop.remove_reader(listener)
        self._full.append(listener)

    async def stop_accepting(self, listeners: Sequence[socket.socket], *, shared: bool) -> None:
        """Closes the listeners. What the kernel has accepted for them is served: closing them
        would reset it."""
        if not shared:
            turn_away(listeners)
            await asyncio.sleep(HANDSHAKE)
        for listener in listeners:
            self._loop.remove_reader(listener)
            for _ in range(BACKLOG):
                if not self._accept(listener):
                    break
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
            ASGIWrapper(self._call), self._config, self._context, reader, writer
        )
        if task := asyncio.current_task():
            self._open[task] = connection
        await connection

    def _ended(self, task: asyncio.Task[None]) -> None:
        del self._open[task]
        while self._full:
            self.accept_from(self._full.pop())
        if len(self._open) < self._most // 2:
            self._was_full = False
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

        await self._app(scope, receive, send_closing)


def _most() -> int:
    """How many connections there are descriptors for, once this process may have all it can."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        with suppress(ValueError, OSError):  # not every system counts an unlimited hard limit
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
            soft = hard
    if soft == resource.RLIM_INFINITY:
        return sys.maxsize
    return soft - RESERVED if soft > 2 * RESERVED else max(1, soft // 2)
