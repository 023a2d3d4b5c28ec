"""`python -m deploy.backup`."""

import sys

from deploy.backup.cli import main

if __name__ == "__main__":
    sys.exit(main())
