"""`python -m tests.contract [--markdown]`: holds both sides to the contract, and prints it."""

import argparse
import contextlib
import io
import sys
from pathlib import Path

import pytest

from tests.contract.collector import Seen

TESTS = Path(__file__).with_name("test_contract.py")
# A pair of sides is started once, by the process its behaviours go to.
OPTIONS = ("-q", "-n", "2", "--dist", "loadgroup")


def main() -> int:
    """The exit code: 1 if anything is not as declared."""
    parser = argparse.ArgumentParser(prog="python -m tests.contract", description=__doc__)
    parser.add_argument("--markdown", action="store_true", help="print a Markdown table")
    arguments = parser.parse_args()
    seen = Seen()
    # pytest reports on standard output, which is for the table.
    said = io.StringIO()
    with contextlib.redirect_stdout(said):
        code = pytest.main([str(TESTS), *OPTIONS], plugins=[seen])
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        print(said.getvalue(), file=sys.stderr)
        return 1
    # Only now: pytest must be the first to import the behaviours.
    from tests.contract import report  # noqa: PLC0415

    rows = report.rows_of(seen)
    table = report.markdown(rows) if arguments.markdown else report.text(rows)
    print(*table, "", report.REPAIRS, "", report.summary(rows), sep="\n")
    return 0 if code == pytest.ExitCode.OK else 1


if __name__ == "__main__":
    sys.exit(main())
