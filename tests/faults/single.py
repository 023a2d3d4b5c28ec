"""`python -m service`, with the application of these tests."""

import sys

from service.server import main

if __name__ == "__main__":
    sys.exit(main("tests.faults.application:create_app"))
