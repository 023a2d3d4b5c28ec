"""Where `quart`, `hypercorn app:app` and `gunicorn app:app` find the application."""

import sys

from service.app import create_app
from service.config import ConfigurationError

try:
    app = create_app()
except ConfigurationError as error:
    sys.exit(error.report())
