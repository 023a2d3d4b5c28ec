"""What a run of `make scale` found, and how it is told."""

from collections.abc import Mapping
from statistics import median

import msgspec

from benchmarks import machine
from benchmarks.scale_cases import CASES
from benchmarks.scale_data import Filled

GOAL = 1.3
AT_ONCE = 16


class Measured(msgspec.Struct, frozen=True):
    """One case at one size, for so many clients. `p50`, `p99`: milliseconds. `service_us`,
    `database_us`: CPU of the service's process and of PostgreSQL's, for a request."""

    rate: float
    p50: float
    p99: float
    service_us: float
    database_us: float
    failed: int = 0


class Results(msgspec.Struct, frozen=True):
    """Everything a run found. `sizes` and `cases` by the name of the size, `10k`; `ratios`: of the
    p99 to that of the first size, each round for itself; `clients`: at the first size. `hash_ms`:
    the CPU of one password hash; `memory_mb`: of a service's process at the end."""

    machine: machine.Machine
    client: str
    seconds: float
    rounds: int
    sizes: dict[str, Filled]
    cases: dict[str, dict[str, Measured]]
    ratios: dict[str, dict[str, float]]
    clients: dict[str, dict[str, Measured]]
    hash_scheme: str
    hash_ms: float
    memory_mb: float

    @property
    def failed(self) -> int:
        """How many answers were not the expected ones."""
        return sum(
            each.failed
            for group in (self.cases, self.clients)
            for many in group.values()
            for each in many.values()
        )


def middles(rounds: Mapping[str, list[Measured]]) -> dict[str, Measured]:
    """The median of each figure over the rounds, and the sum of what failed."""
    names = ("rate", "p50", "p99", "service_us", "database_us")
    found = {}
    for key, many in rounds.items():
        medians = {name: median(getattr(each, name) for each in many) for name in names}
        found[key] = Measured(**medians, failed=sum(each.failed for each in many))
    return found


def ratios(rounds: Mapping[str, list[Measured]]) -> dict[str, float]:
    """Of the p99 to that of the first size in the same round, the median of them."""
    first = next(iter(rounds.values()))
    return {
        size: median(each.p99 / base.p99 for base, each in zip(first, many, strict=True))
        for size, many in rounds.items()
    }


def report(results: Results) -> None:
    """The tables, and whether the goal is met."""
    first, last = next(iter(results.sizes)), next(reversed(results.sizes))
    for name, filled in results.sizes.items():
        print(
            f"{name}: {filled.users:,} users, {filled.bytes / 1e6:,.0f} MB, {filled.seconds:.0f} s"
        )
    print(
        f"\n{AT_ONCE} clients  {'size':>6}{'rate/s':>9}{'p50 ms':>8}{'p99 ms':>8}"
        f"{'p99 ratio':>11}{'service us':>12}{'database us':>13}"
    )
    goals = {case.name: case.goal for case in CASES}
    for name, by_size in results.cases.items():
        for size, each in by_size.items():
            ratio = results.ratios[name][size]
            met = ""
            if size == last != first and goals[name]:
                met = f"  {GOAL}x {'met' if ratio <= GOAL else 'NOT MET'}"
            print(
                f"{name:12}{size:>6}{each.rate:9,.0f}{each.p50:8.1f}{each.p99:8.1f}{ratio:11.2f}"
                f"{each.service_us:12,.0f}{each.database_us:13,.0f}{met}"
            )
    print(f"\nat {first}   clients{'rate/s':>9}{'p50 ms':>8}{'p99 ms':>8}{'service us':>12}")
    for name, by_number in results.clients.items():
        for number, each in by_number.items():
            print(
                f"{name:10}{number:>7}{each.rate:9,.0f}{each.p50:8.1f}{each.p99:8.1f}"
                f"{each.service_us:12,.0f}"
            )
    print(f"\none hash, {results.hash_scheme}: {results.hash_ms:.0f} ms of CPU")
    print(f"a process: {results.memory_mb:.0f} MB")
    if results.failed:
        print(f"{results.failed} answers were not the expected ones")
