"""`python -m console` is `opsconsole`."""

import sys

from console.cli import main

sys.exit(main())
