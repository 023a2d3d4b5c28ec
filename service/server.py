"""Hypercorn in one process: how it listens, what it limits, how it stops.

Hypercorn's own `serve` closes idle connections the moment it is told to stop, cancels handlers at
its deadline, and on Python 3.12+ without uvloop never reaches that deadline. So accepting and
draining happen here, and Hypercorn speaks HTTP on each accepted connection.
"""

import asyncio
import gc
import logging
import os
import pkgutil
import signal
import socket
import sys
from collections.abc import Callable, Sequence
from contextlib import suppress
from types import FrameType
from typing import cast

from hypercorn.app_wrappers import ASGIWrapper
from hypercorn.asyncio.tcp_server import TCPServer
from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.events import Closed
from hypercorn.typing import (
    ASGIReceiveCallable,
    ASGISendCallable,
    ASGISendEvent,
    ConnectionState,
    Scope,
)
from hypercorn.utils import repr_socket_addr

from service import systemd
from service.config import ConfigurationError
from service.http.application import Application

# Longer than nginx and the cloud balancers keep an idle connection (60 s): the side that sends
# requests must be the one that closes, or a request meets a connection that has just gone.
KEEP_ALIVE = 75.0
# What nginx's default large_client_header_buffers (4 x 8 KiB) lets through.
MAX_HEADER_BYTES = 32 * 1024
BACKLOG = 2048
STARTUP_LIMIT = 60.0
SHUTDOWN_LIMIT = 10.0
# How long a drain still answers idle connections: a request may be on its way.
IDLE_GRACE = 2.0
# How long handlers may take to unwind after `http.disconnect`.
UNWIND_LIMIT = 1.0

log = logging.getLogger(__name__)


class StartError(Exception):
    """The server could not start; the message is one line for the operator."""


START_ERRORS = (ConfigurationError, StartError)
"""Why `serve` or the application's factory gives up; `report` prints either."""


async def serve(
    app: Application,
    sockets: Sequence[socket.socket],
    *,
    shutdown: asyncio.Event,
    graceful_timeout: float,
    keep_alive: float = KEEP_ALIVE,
    max_requests: int | None = None,
    shared: bool = False,
) -> None:
    """Serves `app` on bound `sockets`, which it closes, until `shutdown` is set or `max_requests`
    have come; then drains them, as `_Connections.drain` says. Times are in seconds.

    `shared`: other processes accept on the same sockets, which go on listening for them.
    Raises one of `START_ERRORS`.
    """
    await _start(app)
    # What start-up made stays. Walked at each full collection, it stopped every request for 40 ms.
    gc.collect()
    gc.freeze()
    context = WorkerContext(max_requests)
    connections = _Connections(app, context, keep_alive)
    try:
        for sock in sockets:
            sock.setblocking(False)
            if not shared:
                sock.listen(BACKLOG)
            connections.accept_from(sock)
            log.info("listening on http://%s", repr_socket_addr(sock.family, sock.getsockname()))
    except OSError as error:
        await app.shutdown()
        raise StartError(f"cannot listen: {error.strerror}") from error
    systemd.tell("READY=1")
    reasons = [asyncio.ensure_future(each.wait()) for each in (shutdown, context.terminate)]
    await asyncio.wait(reasons, return_when=asyncio.FIRST_COMPLETED)
    for reason in reasons:
        reason.cancel()
    app.draining = True
    for sock in sockets:
        connections.stop_accepting_from(sock, shared=shared)
    await connections.drain(graceful_timeout)
    async with asyncio.timeout(SHUTDOWN_LIMIT):
        await app.shutdown()


async def _start(app: Application) -> None:
    try:
        async with asyncio.timeout(STARTUP_LIMIT):
            await app.startup()
    except ConfigurationError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise StartError(f"start-up failed: {said}") from error


class _Connections:
    """The open connections of this process, each a task in which Hypercorn speaks HTTP."""

    def __init__(self, app: Application, context: WorkerContext, keep_alive: float) -> None:
        self._app = app
        self._context = context
        self._loop = asyncio.get_running_loop()
        self._open: dict[asyncio.Task[None], TCPServer | None] = {}
        # Its read_timeout stays unset: that one resets handlers that are merely slow.
        self._config = Config.from_mapping(
            accesslog=None,  # the service writes the request log
            errorlog=logging.getLogger("hypercorn.error"),
            h11_max_incomplete_size=MAX_HEADER_BYTES,
            include_server_header=False,
            keep_alive_timeout=keep_alive,
        )

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
                asyncio.ensure_future(_disconnect(each)) for each in self._open.values() if each
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
        connection = _Connection(
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


class _Connection(TCPServer):
    async def _read_data(self) -> None:
        await super()._read_data()
        # Else the task that waits for the keep-alive time-out would keep the socket of a client
        # that has gone for as long as that: a client that does not reuse connections could use up
        # the descriptors.
        await self.idle_task.stop()


async def _disconnect(connection: TCPServer) -> None:
    await connection.protocol.handle(Closed())  # the handler sees http.disconnect
    connection.writer.transport.abort()


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's event loop, or None (asyncio's own) where there is no uvloop."""
    try:
        import uvloop  # noqa: PLC0415
    except ImportError:
        return None
    return uvloop.new_event_loop


def report(error: ConfigurationError | StartError) -> int:
    """Says on standard error why there is no start, one line for each thing to put right.

    Returns the exit code: 2 for the configuration, 1 for anything else.
    """
    if isinstance(error, ConfigurationError):
        return error.report()
    print(f"service: {error}", file=sys.stderr)
    return 1


def main(factory: str = "service.app:create_app") -> int:
    """Serves the application `factory` makes until SIGTERM or SIGINT, then drains; a second signal
    ends at once. Returns the exit code: 0, or what `report` says."""
    try:
        app = pkgutil.resolve_name(factory)()
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_serve_until_signal(app))
    except START_ERRORS as error:
        return report(error)
    return 0


async def _serve_until_signal(app: Application) -> None:
    inherited = systemd.sockets()
    sockets = inherited or _bound(app.config["HOST"], app.config["PORT"])
    shutdown = asyncio.Event()
    loop = asyncio.get_running_loop()

    # Plain handlers, not the loop's: the second signal must work when a handler blocks the loop.
    def end(signum: int, _: FrameType | None) -> None:
        os._exit(128 + signum)

    def drain(_: int, __: FrameType | None) -> None:
        for each in (signal.SIGTERM, signal.SIGINT):
            signal.signal(each, end)
        loop.call_soon_threadsafe(shutdown.set)

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, drain)
    await serve(
        app,
        sockets,
        shutdown=shutdown,
        graceful_timeout=app.config["GRACEFUL_TIMEOUT"],
        shared=bool(inherited),
    )


def _bound(host: str, port: int) -> list[socket.socket]:
    bind = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    try:
        return Config.from_mapping(bind=bind).create_sockets().insecure_sockets
    except OSError as error:
        told = f"cannot listen on {bind}: {error.strerror}; PORT chooses another port"
        raise StartError(told) from error
