"""What requests cost, as `make scale` measured it: benchmarks/results/scale.json."""

from pathlib import Path

import msgspec

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


class Timed(Cost, frozen=True):
    """One case at one size. `p50`, `p99`: milliseconds."""

    rate: float
    p50: float
    p99: float


class Size(msgspec.Struct, frozen=True):
    """A database that was measured."""

    users: int
    bytes: int


class Machine(msgspec.Struct, frozen=True):
    """What it was measured on."""

    made_at: str
    processor: str
    processors: int
    python: str
    postgresql: str


class Measured(msgspec.Struct, frozen=True):
    """What `make scale` found; see benchmarks/scale.py."""

    machine: Machine
    sizes: dict[str, Size]
    cases: dict[str, dict[str, Timed]]
    ratios: dict[str, dict[str, float]]
    clients: dict[str, dict[str, Timed]]
    hash_scheme: str
    hash_ms: float
    memory_mb: float

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
