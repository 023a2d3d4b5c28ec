"""`python -m tests.faults [-k …] [--document]`: every fault, held to its goal, as a table.

It wants the machine to itself: what else runs lengthens times that are held to goals of
milliseconds.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

import pytest

from tests.faults.record import ROWS
from tests.support import ROOT
from tools.pages import filled

HERE = Path(__file__).parent
# The load average of a machine that has nothing else to do.
QUIET = 0.5
DOCUMENT = ROOT / "docs" / "faults.md"
BLOCK = "table: python -m tests.faults --document"
COLUMNS = ("requests", "failed", "gap", "p99", "lost")
HEADINGS = ("fault", "requests", "failed", "gap", "p99 ms*", "lost†", "")
WIDTHS = (62, 10, 26, 8, 17, 7, 4)
NOTES = "* before / during / after the fault. † acknowledged writes missing / done twice."


class Table:
    """Prints each row when its test has ended: a plugin of pytest."""

    def __init__(self, rows: Path, output: TextIO) -> None:
        self._rows, self._output = rows, output
        self._shown = 0
        self.markdown = ["| fault | what must hold | what it came to | held |", "|---|---|---|---|"]
        self._print(_line(HEADINGS), "-" * (sum(WIDTHS) + len(WIDTHS)))

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """pytest's."""
        if report.when != "call" and report.passed:
            return
        rows = self._new_rows()
        for each in rows:
            # A test may end otherwise than its row.
            each["bad"] = report.failed
            self._print(*self._as_text(each))
            self.markdown.append(self._as_markdown(each))
        if not rows and not report.passed:
            name = report.nodeid.removeprefix("tests/faults/")
            self._print(f"{report.outcome.upper()}: {name}: {_reason(report)}")

    def _new_rows(self) -> list[dict[str, Any]]:
        lines = self._rows.read_text().splitlines()[self._shown :]
        self._shown += len(lines)
        return [json.loads(line) for line in lines]

    def _as_text(self, row: dict[str, Any]) -> Iterator[str]:
        figures = row["figures"]
        cells = [figures.get(name, "") for name in COLUMNS]
        yield _line((row["fault"], *cells, "FAIL" if row["bad"] else "ok"))
        if more := _others(figures):
            yield f"    {more}"
        for each in row["unmet"]:
            yield f"  ^ {each}"
        if row["bad"]:
            yield f"    goal: {row['goal']}"

    def _as_markdown(self, row: dict[str, Any]) -> str:
        figures = row["figures"]
        names = {"p99": "p99 before / during / after (ms)", "lost": "lost / doubled"}
        told = [f"{names.get(each, each)} {figures[each]}" for each in COLUMNS if each in figures]
        told += [more] if (more := _others(figures)) else []
        verdict = "**no**" if row["bad"] else "yes"
        return f"| {row['fault']} | {row['goal']} | {'; '.join(told)} | {verdict} |"

    def _print(self, *lines: str) -> None:
        print(*lines, sep="\n", file=self._output, flush=True)


def _others(figures: dict[str, str]) -> str:
    named = {*COLUMNS, "p50"}
    return "; ".join(f"{name} {value}" for name, value in figures.items() if name not in named)


def _line(cells: tuple[str, ...]) -> str:
    padded = (cell.ljust(width) for cell, width in zip(cells, WIDTHS, strict=True))
    return " ".join(padded).rstrip()


def _reason(report: pytest.TestReport) -> str:
    if isinstance(report.longrepr, tuple):
        return str(report.longrepr[2])
    return str(report.longrepr).strip().rpartition("\n")[2]


def write(lines: list[str]) -> None:
    """Puts the table into the document."""
    table = "".join(f"{line}\n" for line in lines)
    DOCUMENT.write_text(filled(DOCUMENT.read_text(), {BLOCK: table}))


def main() -> int:
    """The exit code: 1 if any goal is missed."""
    parser = argparse.ArgumentParser(prog="python -m tests.faults", description=__doc__)
    parser.add_argument("--document", action="store_true", help=f"also write it to {DOCUMENT.name}")
    parser.add_argument("-k", default="", help="only the faults that pytest's -k chooses")
    arguments = parser.parse_args()
    # pytest reports on standard output, which is for the table.
    output = os.fdopen(os.dup(1), "w")
    said = io.StringIO()
    busy = os.getloadavg()[0]
    if busy > QUIET:
        print(f"This machine is busy (load {busy:.1f}): times will miss their goals.", file=output)
    with tempfile.TemporaryDirectory() as folder:
        rows = Path(folder) / "rows.jsonl"
        rows.touch()
        os.environ[ROWS] = str(rows)
        table = Table(rows, output)
        with contextlib.redirect_stdout(said):
            code = pytest.main([str(HERE), "-k", arguments.k], plugins=[table])
    print(NOTES, file=output)
    if arguments.document:
        write(table.markdown)
    if code not in {pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED}:
        print(said.getvalue(), file=sys.stderr)
    return 0 if code == pytest.ExitCode.OK else 1


if __name__ == "__main__":
    sys.exit(main())
