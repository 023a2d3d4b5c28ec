"""`gunicorn -c deploy/gunicorn.conf.py`, from the repository's root: several processes.

Gunicorn's flags and GUNICORN_CMD_ARGS override what is set here.
"""

import os
import subprocess
import sys
from pathlib import Path

from gunicorn.glogging import Logger

from service.arbiter import take_over
from service.config import ConfigurationError, is_chosen, load
from service.observability import logging, processes

# How long PostgreSQL may take to say how many connections there are, in seconds.
BUDGET_LIMIT = 15.0


class RootLogger(Logger):
    """Gunicorn's own lines go where the service's go, in the same shape."""

    def setup(self, cfg):
        """Gunicorn's set-up, without its handlers; called again at each reload."""
        super().setup(cfg)
        settings = load()
        logging.configure(level=settings.LOG_LEVEL, fmt=settings.LOG_FORMAT, file=settings.LOG_FILE)
        self.error_log.handlers.clear()
        self.error_log.propagate = True


_notify_socket = os.environ.get("NOTIFY_SOCKET")


def on_starting(server):
    """Workers are replaced without a gap, from here on. Metrics begin anew, unless processes that
    serve, as after a USR2, are counting together.

    systemd is not told by the arbiter, which would say that it is ready before any worker is.
    """
    take_over(server)
    os.environ.pop("NOTIFY_SOCKET", None)
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        processes.prepare(Path(folder))


def when_ready(_server):
    """Each worker tells systemd, once it listens."""
    if _notify_socket:
        os.environ["NOTIFY_SOCKET"] = _notify_socket


def child_exit(server, worker):
    """A worker that has gone no longer counts in gauges; what it has counted stays."""
    if folder := os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        try:
            processes.forget(Path(folder), worker.pid)
        except OSError as error:  # which would end the arbiter
            server.log.warning("metrics of worker %d: %s", worker.pid, error.strerror)


def _workers(settings):
    """WEB_CONCURRENCY as it was set; its default, no more than PostgreSQL has connections for."""
    wanted = settings.WEB_CONCURRENCY
    if wanted == 1 or is_chosen("WEB_CONCURRENCY", os.environ):
        return wanted
    # A process of its own: what the arbiter imports, its workers keep across a reload.
    command = [sys.executable, "-m", "service.database.budget"]
    try:
        asked = subprocess.run(
            command, stdout=subprocess.PIPE, text=True, timeout=BUDGET_LIMIT, check=False
        )
    except subprocess.TimeoutExpired:
        return wanted
    return min(wanted, int(asked.stdout.strip() or wanted))


try:
    settings = load()
except ConfigurationError as error:
    sys.exit(error.report())  # a reload goes on with the one before
wsgi_app = "service.app:create_app()"
worker_class = "service.worker.HypercornWorker"
bind = f"{settings.HOST}:{settings.PORT}"
workers = _workers(settings)
timeout = 30
graceful_timeout = int(settings.GRACEFUL_TIMEOUT)
# The proxy must give up idle connections sooner: in nginx, `keepalive_timeout 4s` in the upstream.
keepalive = 5
logger_class = RootLogger
accesslog = None
# The heartbeat is a file: on a disk that stalls, healthy workers would look blocked.
worker_tmp_dir = "/dev/shm" if Path("/dev/shm").is_dir() else None  # noqa: S108
# A socket in the home directory through which the arbiter takes commands.
control_socket_disable = True
