"""The tables of benchmarks/README.md, from the last runs of `make bench` and `make profile`."""

from pathlib import Path

import msgspec

from benchmarks.cases import CASES, ServerName
from benchmarks.profile import LAYERS, Profile
from benchmarks.report import Report
from benchmarks.servers import SERVERS
from benchmarks.summary import Line
from tools.pages import filled, table

ROOT = Path(__file__).parents[1]
RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "benchmarks" / "README.md"
PEERS: tuple[ServerName, ...] = ("flask", "fastapi", "bare")


def compared() -> str:
    """Each case, beside each peer."""
    report = msgspec.json.decode((RESULTS / "bench.json").read_bytes(), type=Report)
    machine = report.machine
    rows = []
    for case in CASES:
        lines = {line.server: line for line in report.summary if line.case == case.name}
        ours = lines["here"]
        rows.append(
            [
                f"{case.title}, {report.settings.clients[case.name]} clients",
                f"{ours.rate:,.0f}",
                f"{ours.p50:.1f} / {ours.p99:.1f}",
                f"{ours.cpu_us:,.0f}",
                *(_beside(lines.get(peer)) for peer in PEERS),
            ]
        )
    head = ["", "a second", "p50 / p99, ms", "CPU, µs"]
    goals = "".join(f"- {'' if goal.met else '**not met** '}{goal.text}\n" for goal in report.goals)
    return (
        f"{machine.made_at[:10]}, {machine.processor}, Python {machine.python}, PostgreSQL"
        f" {machine.postgresql}, {report.settings.rounds} rounds of {report.settings.seconds:g} s,"
        f" by {report.settings.loader}:\n\n"
        + table([*head, *(f"× {SERVERS[peer].title}" for peer in PEERS)], rows)
        + f"\n{goals}"
    )


def _beside(line: Line | None) -> str:
    return "" if line is None or line.ratio is None else f"{line.ratio:.2f}"


def layers() -> str:
    """Where the time of a request goes."""
    found = msgspec.json.decode((RESULTS / "profile.json").read_bytes(), type=list[Profile])
    names = list(dict.fromkeys(name for _, name in LAYERS))
    names.sort(key=lambda name: -max(each.layers.get(name, 0) for each in found))
    titles = {case.name: case.title for case in CASES}
    rows = [[name, *(f"{each.layers.get(name, 0):,.0f}" for each in found)] for name in names]
    rows.append(["**all of it**", *(f"**{each.cpu_us:,.0f}**" for each in found)])
    return table(["µs of CPU", *(titles[each.case] for each in found)], rows)


BLOCKS = {"benchmarks: compared": compared, "benchmarks: layers": layers}


def page() -> str:
    """benchmarks/README.md with the tables in it."""
    return filled(PAGE.read_text(), {name: written() for name, written in BLOCKS.items()})


if __name__ == "__main__":
    PAGE.write_text(page())
