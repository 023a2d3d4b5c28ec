"""docs/capacity.md: its tables are those of the last measurement."""

import re
from pathlib import Path

from tools.capacity.explained import explained
from tools.capacity.measured import ROUND_TRIPS, Measured
from tools.capacity.plan import plan

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"
BLOCK = re.compile(r"(<!-- capacity: ([\w-]+) -->\n).*?(<!-- end of \2 -->\n)", re.DOTALL)

MIX = {"list": 0.5, "read": 0.38, "health": 0.1, "login": 0.01, "create": 0.01}
RATES = (100, 1_000, 10_000, 100_000)


def table(head: list[str], rows: list[list[str]]) -> str:
    """In Markdown, numbers to the right."""
    marks = ["---", *("--:" for _ in head[1:])]
    return "".join(f"| {' | '.join(row)} |\n" for row in (head, marks, *rows))


def costs_shown(measured: Measured) -> str:
    """What a request of each kind costs."""
    made = measured.machine
    largest = list(measured.sizes.values())[-1]
    rows = [
        [name, f"{cost.service_us:,g}", f"{cost.database_us:,g}", str(ROUND_TRIPS[name])]
        for name, cost in measured.costs().items()
    ]
    return (
        f"{made.made_at[:10]}, {made.processor}, {made.processors} cores, Python {made.python},"
        f" PostgreSQL {made.postgresql}, {largest.users:,} users, 16 clients:\n\n"
        + table(["a request", "service, µs", "PostgreSQL, µs", "round trips"], rows)
        + f"\nOne password (`{measured.hash_scheme}`): {measured.hash_us / 1000:g} ms. One process:"
        f" {plan(measured, 1, MIX).memory_mb:g} MB after the run.\n"
    )


def plans_shown(measured: Measured) -> str:
    """A column for each rate."""
    plans = [plan(measured, rate, MIX) for rate in RATES]

    def row(name: str, *values: str) -> list[str]:
        return [name, *values]

    rows = [
        row("event loops, cores busy", *(f"{each.loops:,.2f}" for each in plans)),
        row("password hashes, cores busy", *(f"{each.hashes:,.2f}" for each in plans)),
        row("cores to have", *(f"{each.cores:,.1f}" for each in plans)),
        row("machines of 8 cores, one to lose", *(f"{each.machines:,}" for each in plans)),
        row("processes on each", *(f"{each.processes:,}" for each in plans)),
        row("pool of each process", *(f"{each.pool:,}" for each in plans)),
        row("connections, during a deployment", *(f"{each.connections:,}" for each in plans)),
        row("PgBouncer", *("no" if each.fits else "yes" for each in plans)),
        row(
            "PgBouncer's connections", *("–" if each.fits else f"{each.pooled:,}" for each in plans)
        ),
        row("PostgreSQL, cores", *(f"{each.database_cores:,.1f}" for each in plans)),
        row("of them for writes", *(f"{each.primary_cores:,.1f}" for each in plans)),
        row("commits a second", *(f"{each.rate * each.written:,.0f}" for each in plans)),
        row("read replicas, at 64 cores each", *(f"{each.replicas:,}" for each in plans)),
        row("memory on each machine, MB", *(f"{each.memory:,}" for each in plans)),
        row("clients", *(f"{each.clients:,}" for each in plans)),
        row("nginx's connections, a machine", *(f"{each.nginx:,}" for each in plans)),
    ]
    return table(["requests a second", *(f"{rate:,}" for rate in RATES)], rows)


def example_shown(measured: Measured) -> str:
    """The arithmetic at one rate, as the command prints it."""
    mix = ",".join(f"{name}={share:g}" for name, share in MIX.items())
    command = f"$ python -m tools.capacity --rate 10000 --mix {mix}"
    return f"```console\n{command}\n{explained(plan(measured, 10_000, MIX))}\n```\n"


def sizes_shown(measured: Measured) -> str:
    """Every case at every size."""
    rows = [
        [
            f"{name}, {size}",
            f"{each.rate:,.0f}",
            f"{each.p50:.1f}",
            f"{each.p99:.1f}",
            f"{measured.ratios[name][size]:.2f}",
            f"{each.service_us:,.0f}",
            f"{each.database_us:,.0f}",
        ]
        for name, by_size in measured.cases.items()
        for size, each in by_size.items()
    ]
    sizes = (
        f"{name}: {each.users:,} users, {each.bytes / 1e9:.2f} GB"
        for name, each in measured.sizes.items()
    )
    head = ["16 clients", "a second", "p50, ms", "p99, ms", "p99 ratio"]
    return f"{'; '.join(sizes)}.\n\n" + table([*head, "service, µs", "PostgreSQL, µs"], rows)


def clients_shown(measured: Measured) -> str:
    """Every number of clients."""
    rows = [
        [
            f"{name}, {number}",
            f"{each.rate:,.0f}",
            f"{each.p50:.1f}",
            f"{each.p99:.1f}",
            f"{each.service_us:,.0f}",
        ]
        for name, by_number in measured.clients.items()
        for number, each in by_number.items()
    ]
    return table(["clients", "a second", "p50, ms", "p99, ms", "service, µs"], rows)


BLOCKS = {
    "costs": costs_shown,
    "plans": plans_shown,
    "example": example_shown,
    "sizes": sizes_shown,
    "clients": clients_shown,
}


def page(measured: Measured) -> str:
    """docs/capacity.md with the tables of this measurement in it."""

    def block(match: re.Match[str]) -> str:
        return f"{match[1]}{BLOCKS[match[2]](measured)}{match[3]}"

    return BLOCK.sub(block, PAGE.read_text())
