"""Hypercorn inside a Gunicorn worker: Gunicorn's processes, signals and flags, our drain.

The arbiter imports this module and forks; what it has imported, its children keep across a HUP.
So nothing of the service is imported here before the fork.
"""

import asyncio
import os
import signal
import sys

from gunicorn.arbiter import Arbiter
from gunicorn.workers.base import Worker

# The arbiter kills what outlives its graceful timeout: the drain ends before, to leave the
# application time for its own shutdown.
SHUTDOWN_SHARE = 0.2
SHUTDOWN_MAXIMUM = 3.0


class HypercornWorker(Worker):  # type: ignore[misc]  # Gunicorn is untyped
    """`worker_class = "service.worker.HypercornWorker"`.

    Honours `timeout` (a blocked event loop stops the heartbeat), `graceful_timeout`, `keepalive`,
    `max_requests` and its jitter. TERM drains; QUIT, INT and ABRT end at once, as in every worker.
    A start that fails is Gunicorn's boot error, which stops the arbiter.
    """

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
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

    def run(self) -> None:
        """Serves until told to stop, and drains."""
        from service import server  # noqa: PLC0415

        try:
            with asyncio.Runner(loop_factory=server.loop_factory()) as runner:
                runner.run(self._serve())
        except server.START_ERRORS as error:
            server.report(error)
            sys.exit(Arbiter.WORKER_BOOT_ERROR)

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
        )
        heart.cancel()

    async def _beat(self, shutdown: asyncio.Event) -> None:
        """Tells the arbiter that the event loop turns, for as long as it does."""
        while True:
            self.notify()
            if not self.alive or os.getppid() != self.ppid:  # told while booting, or orphaned
                shutdown.set()
            await asyncio.sleep(min(1.0, self.timeout / 2 or 1.0))
