"""The console's log engine beside lnav, less, toolong, tailjlogs, jnav, jq, ripgrep and DuckDB.

Generates a log of 50 MB and one of 1 GB, opens them behind a terminal, presses keys and reads the
screen. Viewers in Python are installed when they are not there; what cannot be had is named. By
turns, so that what disturbs the machine disturbs all; figures are medians. A quiet
machine is needed: most of them are times. The exit code is 1 if ours miss a goal, 2 if nothing
could be measured.
"""

import argparse
import re
import subprocess
import sys
from collections.abc import Container, Sequence
from contextlib import suppress
from importlib.metadata import version
from pathlib import Path

import msgspec

from benchmarks.logs import filters, follow, jumps, launch, programs, questions, report, viewers
from benchmarks.logs.figures import SECTIONS, Results
from benchmarks.logs.peers import PINS
from benchmarks.logs.plan import Plan, prepare
from benchmarks.machine import describe
from benchmarks.processes import Cores

FOLDER = viewers.ROOT / "build" / "logs"
PROGRAMS = ("lnav", "less", "jq", "rg")


def main(arguments: Sequence[str] | None = None) -> int:
    """Measures; returns the exit code."""
    options = parse(arguments)
    # Each program is started in a folder of its own.
    folder = options.folder.resolve()
    folder.mkdir(parents=True, exist_ok=True)
    wanted = [] if options.alone else options.viewers
    found, missing = viewers.find(folder, wanted)
    missing |= {} if options.alone else questions.missing()
    small, large = (prepare(folder, title(megabytes), megabytes) for megabytes in options.megabytes)
    results = Results(
        machine=describe(Cores(None, None), embedded=False),
        rounds=options.rounds,
        lines={log.title: log.lines for log in (small, large)},
        versions=versions({viewer.name for viewer in found}),
        missing=missing,
    )
    plan = Plan(
        small,
        large,
        viewers=found,
        results=results,
        rounds=options.rounds,
        peers=not options.alone,
        rates=options.rates,
        seconds=options.seconds,
        limit=options.limit,
    )
    measure(plan, options.only or list(SECTIONS), missing)
    print(report.as_text(results))
    if options.json:
        options.json.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    return int(any(figure.met is False for figure in results.figures)) if results.figures else 2


def measure(plan: Plan, sections: Sequence[str], missing: dict[str, str]) -> None:
    """The sections, in their order."""
    on_screens = {
        "launch": launch.measure,
        "follow": follow.measure,
        "filter": filters.measure,
        "jump": jumps.measure,
    }
    for name in SECTIONS:
        if name in sections and name in on_screens:
            on_screens[name](plan)
    programs.measure(plan, sections, missing)


def title(megabytes: float) -> str:
    """The size of a log in words."""
    return f"{megabytes:g} MB" if megabytes < 1000 else f"{megabytes / 1000:g} GB"


def versions(names: Container[str]) -> dict[str, str]:
    """Of what is measured, as each tells its own. `names`: of the viewers."""
    found = {name: version(name) for name in ("textual", "duckdb")}
    for name, pin in PINS.items():
        if name in names:
            found[name] = pin.requirements[0].partition("==")[2]
    for program in PROGRAMS:
        with suppress(OSError):
            said = subprocess.run(
                [program, "--version"], capture_output=True, text=True, timeout=10, check=False
            )
            found[program] = (re.findall(r"\d[\d.]*", said.stdout) or ["?"])[0]
    return found


def parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.logs",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    add = parser.add_argument
    add("--folder", type=Path, default=FOLDER, help="for logs and peers, kept (build/logs)")
    add("--only", nargs="+", choices=list(SECTIONS), help="these sections")
    add("--alone", action="store_true", help="without peers: under five minutes")
    add("--viewers", nargs="+", choices=list(viewers.MAKERS)[1:], help="only these, beside ours")
    add("--rounds", type=int, default=3, help="measurements of each, by turns (3)")
    add("--rates", type=int, nargs="+", default=[1_000, 10_000, 50_000], help="lines a second")
    add("--seconds", type=float, default=10.0, help="of following at each rate (10)")
    add("--limit", type=float, default=45.0, help="seconds that a viewer is waited for (45)")
    add("--megabytes", type=float, nargs=2, default=[50, 1000], help="of the two logs (50 1000)")
    add("--json", type=Path, metavar="FILE", help="write all of it there")
    options = parser.parse_args(arguments)
    if options.rounds < 1:
        parser.error("--rounds must be 1 or more")
    if options.json and not options.json.parent.is_dir():
        parser.error(f"there is no folder {options.json.parent}")
    return options


if __name__ == "__main__":
    sys.exit(main())
