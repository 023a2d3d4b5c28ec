"""The tables of benchmarks/README.md that `python -m benchmarks.logs` measures."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import msgspec

from benchmarks.logs.figures import OURS, SECTIONS, Figure, Results
from benchmarks.logs.report import number
from tools.pages import filled, table

ROOT = Path(__file__).parents[1]
FILE = ROOT / "benchmarks" / "results" / "logs.json"
PAGE = ROOT / "benchmarks" / "README.md"
COMMANDS = ("count", "statistics", "sql")


def blocks(results: Results) -> dict[str, str]:
    """What is on the page, by name."""
    screens = [section for section in SECTIONS if section not in COMMANDS]
    return {
        "logs: machine": _machine(results),
        "logs: screens": _table(results, screens),
        "logs: commands": _table(results, COMMANDS),
    }


def page() -> str:
    """benchmarks/README.md with the tables in it."""
    results = msgspec.json.decode(FILE.read_bytes(), type=Results)
    return filled(PAGE.read_text(), blocks(results))


def _machine(results: Results) -> str:
    machine = results.machine
    sizes = ", ".join(f"{size} ({count:,} lines)" for size, count in results.lines.items())
    versions = ", ".join(f"{name} {version}" for name, version in results.versions.items())
    missing = "".join(f"; no {name}: {why}" for name, why in results.missing.items())
    return (
        f"{machine.made_at[:10]}, {machine.processor}, {machine.processors} processors, Python"
        f" {machine.python}; {sizes}; rounds: {results.rounds}, medians; {versions}{missing}.\n"
    )


def _table(results: Results, sections: Iterable[str]) -> str:
    figures = [figure for section in sections for figure in results.of(section)]
    programs = list(dict.fromkeys(figure.who for figure in figures))
    rows: dict[tuple[str, str, str], dict[str, Figure]] = {}
    for figure in sorted(figures, key=lambda each: list(SECTIONS).index(each.section)):
        rows.setdefault((figure.section, figure.name, figure.size), {})[figure.who] = figure
    return table(
        ["", *programs, "goal"],
        (
            [f"{section}: {name}, {size}", *_cells(found, programs), _goal(found)]
            for (section, name, size), found in rows.items()
        ),
    )


def _cells(found: dict[str, Figure], programs: Sequence[str]) -> list[str]:
    known = [figure.held for figure in found.values() if figure.held is not None]
    best = min(known, default=None)
    cells = []
    for program in programs:
        figure = found.get(program)
        if figure is None:
            cells.append("")
        elif figure.held is None:
            cells.append(figure.problem)
        else:
            told = number(figure.held, figure.unit)
            cells.append(f"**{told}**" if figure.held == best and len(known) > 1 else told)
    return cells


def _goal(found: dict[str, Figure]) -> str:
    ours = found.get(OURS)
    if ours is None or ours.goal is None:
        return ""
    return f"{'' if ours.met else '**not met** '}{number(ours.goal, ours.unit)}"


if __name__ == "__main__":
    PAGE.write_text(page())
