"""docs/capacity.md: its tables are those of the last measurement."""

from collections.abc import Callable
from pathlib import Path

from benchmarks import scale_results
from tools.capacity.explained import explained
from tools.capacity.measured import ROUND_TRIPS, Measured
from tools.capacity.plan import Plan, plan
from tools.pages import filled, table

PAGE = Path(__file__).parents[2] / "docs" / "capacity.md"

MIX = {"list": 0.5, "read": 0.38, "health": 0.1, "login": 0.01, "create": 0.01}
RATES = (100, 1_000, 10_000, 100_000)
ROWS: dict[str, Callable[[Plan], str]] = {
    "event loops, cores busy": lambda each: f"{each.loops:,.2f}",
    "password hashes, cores busy": lambda each: f"{each.hashes:,.2f}",
    "cores to have": lambda each: f"{each.cores:,.1f}",
    "machines of 8 cores, one to lose": lambda each: f"{each.machines:,}",
    "processes on each": lambda each: f"{each.processes:,}",
    "pool of each process": lambda each: f"{each.pool:,}",
    "connections, during a deployment": lambda each: f"{each.connections:,}",
    "PgBouncer": lambda each: "no" if each.fits else "yes",
    "PgBouncer's connections": lambda each: "–" if each.fits else f"{each.pooled:,}",
    "PostgreSQL, cores": lambda each: f"{each.database_cores:,.1f}",
    "of them for writes": lambda each: f"{each.primary_cores:,.1f}",
    "commits a second": lambda each: f"{each.rate * each.written:,.0f}",
    "read replicas, at 64 cores each": lambda each: f"{each.replicas:,}",
    "memory on each machine, MB": lambda each: f"{each.memory:,}",
    "clients": lambda each: f"{each.clients:,}",
    "nginx's connections, a machine": lambda each: f"{each.nginx:,}",
}


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
    rows = [[name, *(shown(each) for each in plans)] for name, shown in ROWS.items()]
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
            *_speed(each),
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
        [f"{name}, {number}", *_speed(each), f"{each.service_us:,.0f}"]
        for name, by_number in measured.clients.items()
        for number, each in by_number.items()
    ]
    return table(["clients", "a second", "p50, ms", "p99, ms", "service, µs"], rows)


def _speed(each: scale_results.Measured) -> list[str]:
    return [f"{each.rate:,.0f}", f"{each.p50:.1f}", f"{each.p99:.1f}"]


BLOCKS = {
    "capacity: costs": costs_shown,
    "capacity: plans": plans_shown,
    "capacity: example": example_shown,
    "capacity: sizes": sizes_shown,
    "capacity: clients": clients_shown,
}


def page(measured: Measured) -> str:
    """docs/capacity.md with the tables of this measurement in it."""
    return filled(PAGE.read_text(), {name: shown(measured) for name, shown in BLOCKS.items()})
