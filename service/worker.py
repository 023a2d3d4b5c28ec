"""Hypercorn inside a Gunicorn worker: Gunicorn's processes, signals and flags, our drain.

The arbiter imports this module and forks; what it has imported, its children keep across a HUP.
So nothing of the service is imported here before the fork.
"""

import asyncio
import os
import signal
import sys
import time
from mmap import mmap
from types import FrameType
from typing import Any, NoReturn

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

# The arbiter kills what outlives its graceful timeout: the drain ends before, to leave the
# application time for its own shutdown.
SHUTDOWN_SHARE = 0.2
SHUTDOWN_MAXIMUM = 3.0
# How long a worker that cannot start waits until the arbiter may start the next, in seconds.
RETRY = 1.0
READY, WORN = range(2)
# The signals by which a worker is ended.
HEARD = {signal.SIGTERM, signal.SIGQUIT, signal.SIGINT, signal.SIGABRT}
# The exit codes at which the arbiter stops.
HALTING = {Arbiter.WORKER_BOOT_ERROR, Arbiter.APP_LOAD_ERROR}

_any_ready = mmap(-1, 1)
"""Shared by the arbiter and all workers: whether one of them was ever ready."""


class HypercornWorker(Worker):  # type: ignore[misc]  # Gunicorn is untyped
    """`worker_class = "service.worker.HypercornWorker"`.

    Honours `timeout` (a blocked event loop stops the heartbeat), `graceful_timeout`, `keepalive`,
    `max_requests` and its jitter. TERM drains; QUIT, INT and ABRT end at once, as in every worker.
    A start that fails is Gunicorn's boot error, which stops the arbiter, only until one succeeds.
    """

    relieved = False
    """Whether the arbiter starts another worker for one that is worn out, and then stops it."""

    def __init__(self, *arguments: Any) -> None:
        super().__init__(*arguments)
        self._told = mmap(-1, 2)  # shared with the arbiter, which forks after this

    @property
    def ready(self) -> bool:
        """Whether it serves."""
        return bool(self._told[READY])

    @property
    def worn(self) -> bool:
        """Whether it has served as many requests as `max_requests` says."""
        return bool(self._told[WORN])

    def init_process(self) -> None:
        """Starts, serves and drains."""
        try:
            super().init_process()
        except (Exception, SystemExit) as error:
            halts = not isinstance(error, SystemExit) or error.code in HALTING
            if self.booted or not _any_ready[0] or not halts:
                raise
            self.log.exception("a worker cannot start")
            _fail()

    def init_signals(self) -> None:
        """Hears from now on, and what it was sent before."""
        super().init_signals()
        signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)

    def load_wsgi(self) -> None:
        """Loads the application, as it is on the disk now."""
        if not self.cfg.preload_app:
            for name in [each for each in sys.modules if each.split(".")[0] == "service"]:
                del sys.modules[name]
        from service import server  # noqa: PLC0415

        try:
            super().load_wsgi()
        except server.START_ERRORS as error:
            server.report(error)
            _fail()

    def handle_abort(self, _sig: int, _frame: FrameType | None) -> NoReturn:
        """Ends at once a worker whose event loop is blocked. Unwound, it would turn once more, and
        accept clients only to cut them off."""
        self.cfg.worker_abort(self)
        _exit(1)

    def handle_quit(self, _sig: int, _frame: FrameType | None) -> NoReturn:
        """Ends at once, as in every worker."""
        self.cfg.worker_int(self)
        _exit(0)

    def run(self) -> None:
        """Serves until told to stop, and drains."""
        from service import server  # noqa: PLC0415

        try:
            with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
                runner.run(self._serve())
        except server.START_ERRORS as error:
            server.report(error)
            _fail()

    async def _serve(self) -> None:
        from service import server  # noqa: PLC0415

        shutdown = asyncio.Event()
        loop = asyncio.get_running_loop()
        loop.add_signal_handler(signal.SIGTERM, shutdown.set)
        heart = loop.create_task(self._beat(shutdown))
        graceful = self.cfg.graceful_timeout
        await server.serve(
            self.wsgi,
            # Not duplicates: once all workers have closed theirs, the kernel refuses connections.
            [each.sock for each in self.sockets],
            shared=True,
            shutdown=shutdown,
            graceful_timeout=graceful - min(SHUTDOWN_MAXIMUM, SHUTDOWN_SHARE * graceful),
            keep_alive=self.cfg.keepalive or 1,  # 0 would also end connections still being opened
            max_requests=self.max_requests,
            ready=self._serves,
            worn=self._is_worn if self.relieved else shutdown.set,
        )
        heart.cancel()

    def _serves(self) -> None:
        self._told[READY] = _any_ready[0] = 1

    def _is_worn(self) -> None:
        self._told[WORN] = 1

    async def _beat(self, shutdown: asyncio.Event) -> None:
        """Tells the arbiter that the event loop turns, for as long as it does."""
        while True:
            self.notify()
            if not self.alive or os.getppid() != self.ppid:  # told while booting, or orphaned
                shutdown.set()
            await asyncio.sleep(min(1.0, self.timeout / 2 or 1.0))


def _exit(code: int) -> NoReturn:
    from service.observability.logging import flush  # noqa: PLC0415

    flush()
    os._exit(code)


def _fail() -> NoReturn:
    """Ends a worker that could not start: with it the arbiter, if none ever could."""
    if not _any_ready[0]:
        sys.exit(Arbiter.WORKER_BOOT_ERROR)
    time.sleep(RETRY)
    sys.exit(1)
