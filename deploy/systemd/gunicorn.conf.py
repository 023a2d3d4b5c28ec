"""`deploy/gunicorn.conf.py` under systemd, which is told that the service is ready when a worker
listens, and not, as Gunicorn does, before any worker has started."""

import os
import runpy
from pathlib import Path

globals().update(runpy.run_path(str(Path(__file__).parents[1] / "gunicorn.conf.py")))

_told = os.environ.get("NOTIFY_SOCKET")


def on_starting(_server):
    """Keeps the arbiter from telling."""
    os.environ.pop("NOTIFY_SOCKET", None)


def when_ready(_server):
    """Lets the workers tell."""
    if _told:
        os.environ["NOTIFY_SOCKET"] = _told
