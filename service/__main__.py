"""`python -m service`: one process, for development, containers and systemd."""

import sys

from service.server import main

sys.exit(main())
