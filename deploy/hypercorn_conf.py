"""`hypercorn -c file:deploy/hypercorn_conf.py "service.app:create_app()"`: the service's limits
under Hypercorn's own command.

It stops less carefully than `python -m service`: idle connections are cut, not answered, and
readiness never turns 503. For a machine that has nothing but Hypercorn.
"""

import logging
import sys

from service.config import ConfigurationError, load
from service.connections import BACKLOG
from service.http1.head import MAX_HEAD_BYTES
from service.server import KEEP_ALIVE

try:
    settings = load()
except ConfigurationError as error:
    sys.exit(error.report())
bind = f"{settings.HOST}:{settings.PORT}"
workers = 1  # more lose the requests in flight, and all die with one: use Gunicorn instead
worker_class = "uvloop"  # with asyncio's loop, Python 3.12+ ignores graceful_timeout
accesslog = None  # the service writes the request log
errorlog = logging.getLogger("hypercorn.error")
graceful_timeout = settings.GRACEFUL_TIMEOUT
backlog = BACKLOG
h11_max_incomplete_size = MAX_HEAD_BYTES
include_server_header = False
keep_alive_timeout = KEEP_ALIVE
