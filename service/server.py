"""Hypercorn in one process: how it starts, listens and stops.

Hypercorn's own `serve` closes idle connections the moment it is told to stop, cancels handlers at
its deadline, and on Python 3.12+ without uvloop never reaches that deadline. So accepting and
draining happen in `connections`, and Hypercorn speaks HTTP on each accepted connection.
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
from types import FrameType

from hypercorn.asyncio.worker_context import WorkerContext
from hypercorn.config import Config
from hypercorn.typing import Event
from hypercorn.utils import repr_socket_addr

from service import systemd
from service.config import ConfigurationError
from service.connections import BACKLOG, Connections
from service.http.application import Application
from service.observability.logging import flush

# Longer than nginx and the cloud balancers keep an idle connection (60 s): the side that sends
# requests must be the one that closes, or a request meets a connection that has just gone.
KEEP_ALIVE = 75.0
STARTUP_LIMIT = 60.0
SHUTDOWN_LIMIT = 10.0

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
    ready: Callable[[], None] = lambda: None,
    worn: Callable[[], None] = lambda: None,
) -> None:
    """Serves `app` on bound `sockets`, which it closes, until `shutdown` is set; then drains them,
    as `Connections.drain` says. Times are in seconds.

    `shared`: other processes accept on the same sockets, which go on listening for them. `ready` is
    called once it accepts, `worn` when `max_requests` have come. Raises one of `START_ERRORS`.
    """
    await _start(app)
    # What start-up made stays. Walked at each full collection, it stopped every request for 40 ms.
    gc.collect()
    gc.freeze()
    # The second forgets how much that was: a full collection waits for a quarter as much to be new.
    gc.collect()
    context = WorkerContext(max_requests)
    connections = Connections(app, context, keep_alive)
    try:
        for sock in sockets:
            sock.setblocking(False)
            if not sock.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                sock.listen(BACKLOG)
            connections.accept_from(sock)
            log.info("listening on http://%s", repr_socket_addr(sock.family, sock.getsockname()))
    except OSError as error:
        await app.shutdown()
        raise StartError(f"cannot listen: {error.strerror}") from error
    systemd.tell("READY=1")
    ready()
    wear = asyncio.create_task(_tell(context.terminate, worn))
    await shutdown.wait()
    wear.cancel()
    app.draining = True
    await connections.stop_accepting(sockets, shared=shared)
    await connections.drain(graceful_timeout)
    try:
        async with asyncio.timeout(SHUTDOWN_LIMIT):
            await app.shutdown()
    except TimeoutError:
        log.warning("the application did not end within %g s", SHUTDOWN_LIMIT)


async def _tell(event: Event, listener: Callable[[], None]) -> None:
    await event.wait()
    listener()


async def _start(app: Application) -> None:
    try:
        async with asyncio.timeout(STARTUP_LIMIT):
            await app.startup()
    except ConfigurationError:
        raise
    except Exception as error:
        said = " ".join(str(error).split()) or type(error).__name__
        raise StartError(f"start-up failed: {said}") from error


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
        flush()
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
