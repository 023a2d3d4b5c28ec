"""What requests cost, as `make scale` measured it: benchmarks/results/scale.json."""

from pathlib import Path

import msgspec

from benchmarks.scale_results import Results

MEASURED = Path(__file__).parents[2] / "benchmarks" / "results" / "scale.json"
# Statements, BEGIN and COMMIT, each of which waits for PostgreSQL once.
ROUND_TRIPS = {
    "constant": 0,
    "health": 1,
    "list": 2,
    "deep page": 2,
    "by address": 2,
    "read": 2,
    "login": 7,
    "create": 4,
}


class Cost(msgspec.Struct, frozen=True):
    """Microseconds of CPU for a request: of the service's process, and of PostgreSQL's."""

    service_us: float
    database_us: float


class Measured(Results, frozen=True):
    """What `make scale` found, and what is calculated with."""

    def costs(self) -> dict[str, Cost]:
        """Of each kind of request, with the largest database; to three figures, as shown."""
        largest = list(self.sizes)[-1]
        return {
            name: Cost(
                three_figures(by_size[largest].service_us),
                three_figures(by_size[largest].database_us) if ROUND_TRIPS[name] else 0.0,
            )
            for name, by_size in self.cases.items()
        }

    @property
    def hash_us(self) -> float:
        """CPU of one password."""
        return three_figures(self.hash_ms) * 1000


def load() -> Measured:
    """The last measurement."""
    return msgspec.json.decode(MEASURED.read_bytes(), type=Measured)


def three_figures(number: float) -> float:
    """As it is shown, so that whoever calculates with what they read gets what is printed."""
    return float(f"{number:.3g}")
