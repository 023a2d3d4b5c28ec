"""The contract as a table: behaviour, Flask, here, and the verdict. It is made by the tests."""

import shutil
import sys
import textwrap
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby, zip_longest

from tests.contract import behaviours  # noqa: F401 - declares them
from tests.contract.behaviour import BEHAVIOURS, Behaviour
from tests.contract.collector import Seen
from tests.contract.support import SIDES, SideName

REPAIRS = (
    "The reference repairs what guides to Flask in production get wrong: a bare-string SELECT 1, "
    "which SQLAlchemy 2 refuses, and str(e) in the health check, which tells the database's host "
    "and user."
)
FAILING = "FAILING"
NOT_RUN = "did not run"


@dataclass(frozen=True)
class Row:
    """A behaviour, and what came of it."""

    behaviour: Behaviour
    seen: Seen

    @property
    def verdict(self) -> str:
        """As declared, if both sides did as declared."""
        if any(self.seen.problem(str(self.behaviour), side) for side in SIDES):
            return FAILING
        as_declared = all(self.cell(side) == self.behaviour.expected[side] for side in SIDES)
        return self.behaviour.verdict if as_declared else FAILING

    def cell(self, side: SideName) -> str:
        """What the side did."""
        return self.seen.outcome(str(self.behaviour), side) or "no outcome"

    def remarks(self) -> Iterator[str]:
        """Why the sides differ, and what is not as declared."""
        if self.behaviour.reason:
            yield self.behaviour.reason
        for side in SIDES:
            problem = self.seen.problem(str(self.behaviour), side)
            if problem or self.cell(side) != self.behaviour.expected[side]:
                yield f"{side} is declared as: {self.behaviour.expected[side]}"
            if problem and not self.seen.outcome(str(self.behaviour), side):
                yield f"{side} ended in: {problem}"


def rows_of(seen: Seen) -> list[Row]:
    """A row for each behaviour there is, whether or not it was seen."""
    return [Row(behaviour, seen) for behaviour in BEHAVIOURS]


def text(rows: Sequence[Row]) -> Iterator[str]:
    """The table for a terminal, a heading for each area."""
    # Nobody's terminal when it goes to a file: as wide as most outcomes need.
    width = shutil.get_terminal_size().columns if sys.stdout.isatty() else 150
    verdict = max(len("different"), len(FAILING))
    name = max(24, (width - verdict - 9) * 2 // 5)
    outcome = max(20, (width - verdict - 9 - name) // 2)
    widths = (name, outcome, outcome, verdict)
    yield from _line(("behaviour", "Flask", "here", "verdict"), widths)
    for area, group in groupby(rows, key=lambda row: row.behaviour.area):
        yield ""
        yield from _line((area.upper(), "", "", ""), widths)
        for row in group:
            cells = (row.behaviour.name, row.cell("flask"), row.cell("here"), row.verdict)
            yield from _line(cells, widths)
            for remark in row.remarks():
                yield from textwrap.wrap(
                    remark, sum(widths), initial_indent="    ^ ", subsequent_indent="      "
                )


def _line(cells: Iterable[str], widths: Sequence[int]) -> Iterator[str]:
    wrapped = [textwrap.wrap(cell, width) for cell, width in zip(cells, widths, strict=True)]
    for parts in zip_longest(*wrapped, fillvalue=""):
        padded = (part.ljust(width) for part, width in zip(parts, widths, strict=True))
        yield " | ".join(padded).rstrip()


def markdown(rows: Sequence[Row]) -> Iterator[str]:
    """The table as Markdown, with a column for the reasons."""
    for area, group in groupby(rows, key=lambda row: row.behaviour.area):
        yield from ("", f"### {area}", "", "| behaviour | Flask | here | verdict | why |")
        yield "|---|---|---|---|---|"
        for row in group:
            cells = (
                row.behaviour.name,
                row.cell("flask"),
                row.cell("here"),
                row.verdict,
                "; ".join(row.remarks()),
            )
            yield f"| {' | '.join(map(_escaped, cells))} |"


def _escaped(cell: str) -> str:
    for special in "\\|<*_":
        cell = cell.replace(special, f"\\{special}")
    return cell


def summary(rows: Sequence[Row]) -> str:
    """One line."""
    counts = Counter(row.verdict for row in rows)
    parts = [f"{counts[each]} {each}" for each in ("same", "better", "different")]
    parts += [f"{counts[FAILING]} {FAILING}"] if counts[FAILING] else []
    return f"{len(rows)} behaviours: {', '.join(parts)}"
