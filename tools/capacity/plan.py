"""The arithmetic: from what a request costs to processes, connections and machines."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property

from tools.capacity.measured import ROUND_TRIPS, Cost, Measured

# Of a core; the rest is for bursts, and for what a process that restarts leaves to the others.
USED = 0.6
WRITES = frozenset({"login", "create"})
# Each hashes a password once, in threads of the process: so many at once, each with so many MiB.
HASHING = WRITES
HASHES_AT_ONCE = 4
HASH_MEMORY = 32
# A pool has these at least: one slow query is not to hold up the others.
LEAST_POOL = 5
# A migration, a backup's two, people and monitoring.
OTHERS = 13
RESERVED = 3


@dataclass(frozen=True)
class Site:
    """What there is to build with. `round_trip`: milliseconds between the service and PostgreSQL.
    `pause`: seconds between two requests of one client."""

    cores: int = 8
    database_cores: int = 64
    max_connections: int = 100
    round_trip: float = 0.5
    pause: float = 10.0


@dataclass(frozen=True)
class Plan:
    """What a rate of requests needs. `mix`: the share of each kind."""

    rate: float
    mix: Mapping[str, float]
    costs: Mapping[str, Cost]
    hash_us: float
    memory_mb: float
    site: Site = Site()

    def _mean(self, of: Mapping[str, float]) -> float:
        return sum(share * of[name] for name, share in self.mix.items())

    @cached_property
    def service_us(self) -> float:
        """CPU of the service for a request of the mix, hashes apart."""
        return self._mean({name: cost.service_us for name, cost in self.costs.items()})

    @cached_property
    def database_us(self) -> float:
        """CPU of PostgreSQL for a request of the mix."""
        return self._mean({name: cost.database_us for name, cost in self.costs.items()})

    @cached_property
    def hashed(self) -> float:
        """The share of requests that hash a password."""
        return sum(share for name, share in self.mix.items() if name in HASHING)

    @cached_property
    def written(self) -> float:
        """The share of requests that commit a transaction."""
        return sum(share for name, share in self.mix.items() if name in WRITES)

    @cached_property
    def round_trips(self) -> float:
        """To PostgreSQL, for a request of the mix."""
        return self._mean(ROUND_TRIPS)

    @cached_property
    def loops(self) -> float:
        """Cores that event loops keep busy."""
        return self.rate * self.service_us / 1e6

    @cached_property
    def hashes(self) -> float:
        """Cores that password hashes keep busy."""
        return self.rate * self.hashed * self.hash_us / 1e6

    @cached_property
    def cores(self) -> float:
        """Cores to have for both."""
        return (self.loops + self.hashes) / USED

    @cached_property
    def busy_machines(self) -> int:
        """Machines that carry the load; one more is to have."""
        return up(self.cores / (self.site.cores - 1))

    @cached_property
    def machines(self) -> int:
        """One of which may be lost."""
        return self.busy_machines + 1

    @cached_property
    def processes(self) -> int:
        """On each machine."""
        needed = max(self.loops, self.hashes / HASHES_AT_ONCE) / USED
        return up(needed / self.busy_machines)

    @cached_property
    def held_ms(self) -> float:
        """How long a request of the mix holds a connection at most."""
        computing = (self.service_us + self.database_us) / 1000 / (1 - USED)
        return computing + self.round_trips * self.site.round_trip

    @cached_property
    def in_use(self) -> float:
        """Connections of one process in use, on average, with one machine lost."""
        each = self.rate / (self.processes * self.busy_machines)
        return each * self.held_ms / 1000

    @cached_property
    def pool(self) -> int:
        """Connections of one process."""
        return max(LEAST_POOL, at_peak(self.in_use))

    @cached_property
    def connections(self) -> int:
        """All there can be while a deployment runs both sets of processes."""
        return 2 * self.machines * self.processes * (self.pool + 1) + OTHERS

    @cached_property
    def fits(self) -> bool:
        """Whether PostgreSQL takes them all."""
        return self.connections <= self.site.max_connections - RESERVED

    @cached_property
    def pooled_ms(self) -> float:
        """How long a request holds one of PgBouncer's connections: BEGIN and COMMIT are added."""
        computing = self.database_us / 1000 / (1 - USED)
        return computing + 2 * self.round_trips * self.site.round_trip

    @cached_property
    def pooled(self) -> int:
        """PgBouncer's connections to PostgreSQL."""
        return at_peak(self.rate * self.pooled_ms / 1000)

    @cached_property
    def database_cores(self) -> float:
        """Cores to have for PostgreSQL."""
        return self.rate * self.database_us / 1e6 / USED

    @cached_property
    def primary_cores(self) -> float:
        """Of these, the ones for requests that write."""
        writing = {
            name: cost.database_us if name in WRITES else 0.0 for name, cost in self.costs.items()
        }
        return self.rate * self._mean(writing) / 1e6 / USED

    @cached_property
    def replicas(self) -> int:
        """Machines of PostgreSQL's beyond the first that reads would have to go to."""
        return max(0, up(self.database_cores / self.site.database_cores) - 1)

    @cached_property
    def memory(self) -> int:
        """MB of one machine's processes, hashing included."""
        hashing = HASHES_AT_ONCE * HASH_MEMORY if self.hashed else 0
        return self.processes * up(self.memory_mb + hashing)

    @cached_property
    def clients(self) -> int:
        """Who keeps a connection to nginx."""
        return up(self.rate * self.site.pause)

    @cached_property
    def nginx(self) -> int:
        """Connections of one machine's nginx, with one machine lost."""
        return up(2 * self.clients / self.busy_machines)

    @cached_property
    def bounds(self) -> list[str]:
        """What this plan needs that the service does not do, or one machine cannot be."""
        found = []
        if self.primary_cores > self.site.database_cores:
            found.append("writes need more than one PostgreSQL: the data has to be divided")
        if self.replicas:
            found.append("reads need replicas, which the service does not use by itself")
        return found


def plan(measured: Measured, rate: float, mix: Mapping[str, float], site: Site = Site()) -> Plan:
    """What so many requests a second need, by what was measured."""
    memory = up(measured.memory_mb / 10) * 10
    return Plan(rate, mix, measured.costs(), measured.hash_us, memory, site)


def up(number: float) -> int:
    """Rounded up, at least 1; what is a whole number but for the last bits of it stays."""
    return max(1, math.ceil(round(number, 6)))


def at_peak(mean: float) -> int:
    """How many are in use at once but one time in a thousand, if the mean is this."""
    return up(mean + 3 * math.sqrt(mean))
