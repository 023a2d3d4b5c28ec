"""From what a request costs to processes, connections and machines; the arithmetic is printed.

`python -m tools.capacity --rate 10000 --mix list=0.5,read=0.4,login=0.1` prints a plan. Without a
rate it writes the tables of docs/capacity.md. The costs are those in benchmarks/results/scale.json,
which `make scale` measures.
"""

import argparse
import math
import sys

from tools.capacity.explained import explained
from tools.capacity.measured import ROUND_TRIPS, load
from tools.capacity.page import MIX, PAGE, page
from tools.capacity.plan import Site, plan


def parse_mix(text: str) -> dict[str, float]:
    """`list=0.9,login=0.1`."""
    found: dict[str, float] = {}
    for each in text.split(","):
        name, _, share = each.partition("=")
        if name not in ROUND_TRIPS:
            known = ", ".join(ROUND_TRIPS)
            raise argparse.ArgumentTypeError(f"{name!r} is none of {known}")
        try:
            found[name] = float(share)
        except ValueError:
            raise argparse.ArgumentTypeError(f"{each!r}: write it like list=0.9") from None
    if not math.isclose(sum(found.values()), 1, abs_tol=1e-6) or min(found.values()) < 0:
        raise argparse.ArgumentTypeError(f"the shares add up to {sum(found.values()):g}, not to 1")
    return found


def positive(text: str) -> float:
    """A number above zero."""
    number = float(text)
    if not 0 < number < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not above zero")
    return number


def several(text: str) -> int:
    """A whole number above one: nginx and the kernel have one core of each machine."""
    number = int(text)
    if number < 2:
        raise argparse.ArgumentTypeError(f"{text} is less than 2")
    return number


def main(command_line: list[str] | None = None) -> int:
    """Prints the plan, or writes the page."""
    parser = argparse.ArgumentParser(
        prog="python -m tools.capacity",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    site = Site()
    parser.add_argument("--rate", type=positive, help="requests a second")
    parser.add_argument("--mix", type=parse_mix, default=MIX, help="the share of each kind")
    parser.add_argument("--cores", type=several, default=site.cores, help="of a machine (8)")
    parser.add_argument(
        "--database-cores", type=several, default=site.database_cores, help="of PostgreSQL (64)"
    )
    parser.add_argument(
        "--max-connections", type=several, default=site.max_connections, help="PostgreSQL's (100)"
    )
    parser.add_argument(
        "--round-trip", type=positive, default=site.round_trip, help="to PostgreSQL, ms (0.5)"
    )
    parser.add_argument(
        "--pause", type=positive, default=site.pause, help="of a client between requests, s (10)"
    )
    given = parser.parse_args(command_line)
    measured = load()
    if given.rate is None:
        PAGE.write_text(page(measured))
        return 0
    site = Site(
        given.cores, given.database_cores, given.max_connections, given.round_trip, given.pause
    )
    print(explained(plan(measured, given.rate, given.mix, site)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
