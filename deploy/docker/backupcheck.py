"""Exit code 0 when BACKUP_REPORT tells of a last backup that was verified; for HEALTHCHECK."""

import json
import os
import sys


def main() -> int:
    """Says on standard output what the report says: `docker inspect` shows it."""
    try:
        with open(os.environ["BACKUP_REPORT"], "rb") as file:  # noqa: PTH123 - quicker to start
            report = json.load(file)
        ok, error = report["ok"] is True, report.get("error")
    except (KeyError, OSError, TypeError, ValueError):
        ok, error = False, "there is no report yet, or none that can be read"
    print("verified" if ok else f"not verified: {error!a}")
    return 0 if ok else 1


if __name__ == "__main__":
    sys.exit(main())
