"""Gunicorn's arbiter, at which a reload stops no worker before others are ready in its place.

Gunicorn's own stops them first: nobody is served until the new ones have started, and a start that
fails ends the whole service. The command `gunicorn` cannot be told of another arbiter, so
`take_over`, called from its `on_starting`, gives the one that is there this class.
"""

import gc
import importlib
import os
import re
import signal
import socket
import sys
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from gunicorn import arbiter
from gunicorn.sock import TCP6Socket, TCPSocket
from gunicorn.util import is_ipv6

from service.listeners import turn_away
from service.worker import HEARD

# What takes a worker longest to start is importing these: forked with them, it takes a fifth.
LIBRARIES = (
    "argon2",
    "asyncpg",
    "ctypes",
    "hypercorn.asyncio",
    "itsdangerous",
    "jwt",
    "limits.aio.storage",
    "limits.aio.strategies",
    "msgspec",
    "prometheus_client.multiprocess",
    "quart.json.provider",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "sqlalchemy.ext.asyncio",
    "structlog",
    "werkzeug.security",
)
LIBRARY = re.compile(r"[/\\](?:site|dist)-packages[/\\]([^/\\.]+)")
INHERITED = {"LISTEN_FDS", "GUNICORN_FD"}
# How often a reload looks whether the new workers are ready, in seconds.
LOOK = 0.05

Files = Mapping[str, tuple[int, int]]


class Arbiter(arbiter.Arbiter):  # type: ignore[misc]  # Gunicorn is untyped
    """As Gunicorn's, but for how it replaces workers, and how it stops."""

    # Gunicorn's own, and untyped there.
    app: Any
    cfg: Any
    num_workers: int
    pid: int
    WORKERS: dict[int, Any]

    libraries: Files
    # The workers a reload has started, until all are ready or one has failed.
    fresh: frozenset[int] = frozenset()
    # Those of a reload that was given up, until they have gone.
    unwanted: frozenset[int] = frozenset()
    workers_before = 0

    def reload(self) -> None:
        """Starts workers with the configuration and the code there are now. Once all are ready
        `manage_workers` stops those from before; if one fails to start, the new ones instead."""
        if changed := _changed(self.libraries):
            told = ", ".join(sorted(changed))
            self.log.error("not reloaded: restart instead, for libraries have changed: %s", told)
            return
        if self.fresh:
            self._give_up("there is another")
        serving, cfg, self.workers_before = self.WORKERS, self.cfg, self.num_workers
        # Gunicorn's own goes on to stop whom it finds here, ready or not.
        self.WORKERS = {}
        try:
            super().reload()
        except (Exception, SystemExit) as error:
            # A worker's own end, after its fork; or another address, which cannot be had.
            if os.getpid() != self.pid or any(each.sock.fileno() < 0 for each in self.LISTENERS):
                raise
            reason = "see standard error" if isinstance(error, SystemExit) else error
            self.log.error("not reloaded: %s", reason)  # noqa: TRY400 - a line is enough
            self.app.cfg = self.cfg = cfg
            self.num_workers = self.workers_before
        finally:
            self.fresh = frozenset(self.WORKERS)
            self.WORKERS |= serving

    def manage_workers(self) -> None:
        """As Gunicorn's, once a reload is over; who is worn out is stopped when replaced."""
        if self.unwanted & self.WORKERS.keys():
            return  # Gunicorn would stop older ones in their place
        if not self.fresh <= self.WORKERS.keys():
            self._give_up("a new worker ended before it was ready")
            return
        if not all(self.WORKERS[each].ready for each in self.fresh):
            return
        self.fresh = frozenset()
        worn = {pid: each for pid, each in self.WORKERS.items() if each.worn}
        self.WORKERS = {pid: each for pid, each in self.WORKERS.items() if pid not in worn}
        super().manage_workers()
        replaced = all(each.ready for each in self.WORKERS.values())
        self.WORKERS |= worn
        if replaced:
            for pid in worn:
                self.kill_worker(pid, signal.SIGTERM)

    def spawn_worker(self) -> int:
        """As Gunicorn's, whose worker would not hear what it is sent right after the fork: until it
        has handlers of its own, a signal waits."""
        signal.pthread_sigmask(signal.SIG_BLOCK, HEARD)
        try:
            pid: int = super().spawn_worker()
        finally:
            signal.pthread_sigmask(signal.SIG_UNBLOCK, HEARD)
        return pid

    def wait_for_signals(self, timeout: float = 1.0) -> list[int]:
        """As Gunicorn's."""
        signals: list[int] = super().wait_for_signals(LOOK if self.fresh else timeout)
        return signals

    def stop(self, graceful: bool = True) -> None:
        """As Gunicorn's, but that no client is accepted and then reset."""
        # Not where the sockets outlive this process: systemd has them, or another arbiter.
        if not self.systemd and self.reexec_pid == self.master_pid == 0:
            turn_away([each.sock for each in self.LISTENERS])
        super().stop(graceful)

    def _give_up(self, reason: str) -> None:
        """Ends the new workers of a reload; those from before go on."""
        self.log.error("reload given up: %s", reason)
        self.unwanted, self.fresh = self.fresh, frozenset()
        self.num_workers = self.workers_before
        for pid in self.unwanted & self.WORKERS.keys():
            self.kill_worker(pid, signal.SIGTERM)


class Bound(TCPSocket):  # type: ignore[misc]
    """Bound, and not yet listening: a proxy that is refused asks another instance at once, where it
    would have to wait for the first worker."""

    def set_options(self, sock: socket.socket, bound: bool = False) -> socket.socket:  # noqa: ARG002 - never is
        """As Gunicorn's, but for the end."""
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.setblocking(False)
        sock.set_inheritable(True)
        self.bind(sock)
        return sock


class Bound6(Bound, TCP6Socket):  # type: ignore[misc]
    """The same."""


def take_over(server: arbiter.Arbiter) -> None:
    """Makes of Gunicorn's arbiter, before it has sockets, ours. It imports the libraries for its
    workers, and binds what is not inherited from systemd or an arbiter before."""
    server.__class__ = Arbiter
    server.worker_class.relieved = True
    ours = all(isinstance(each, tuple) for each in server.cfg.address)
    if ours and not server.cfg.reuse_port and not INHERITED & os.environ.keys():
        with suppress(OSError):  # Gunicorn tries that again, for five seconds, and says why
            server.LISTENERS = [
                (Bound6 if is_ipv6(each[0]) else Bound)(each, server.cfg, server.log)
                for each in server.cfg.address
            ]
    for name in LIBRARIES:
        importlib.import_module(name)
    server.libraries = _files()
    # Collected in a worker, they would be copied.
    gc.collect()
    gc.freeze()


def _files() -> Files:
    """The files of the libraries that are loaded, and what tells whether one has changed."""
    modules = [each for name, each in sys.modules.items() if not name.startswith("service")]
    paths = {getattr(each, "__file__", None) or "" for each in modules}
    return {path: _stamp(path) for path in paths if LIBRARY.search(path)}


def _stamp(path: str) -> tuple[int, int]:
    try:
        status = Path(path).stat()
    except OSError:
        return 0, 0
    return status.st_mtime_ns, status.st_size


def _changed(files: Files) -> set[str]:
    """The libraries of which a file has changed."""
    changed = [path for path, stamp in files.items() if _stamp(path) != stamp]
    return {match[1] for path in changed if (match := LIBRARY.search(path))}
