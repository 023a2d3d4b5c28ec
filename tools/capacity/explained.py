"""A plan with its arithmetic shown, for a terminal."""

from tools.capacity.plan import (
    HASH_MEMORY,
    HASHES_AT_ONCE,
    LEAST_POOL,
    OTHERS,
    RESERVED,
    USED,
    Plan,
)


def explained(plan: Plan) -> str:
    """The arithmetic, a line for each result."""
    rows = [*_of_the_service(plan), *_of_the_connections(plan), *_of_the_rest(plan)]
    return "\n".join([*(f"{name:21}{text}" for name, text in rows), *plan.bounds])


def _of_the_service(plan: Plan) -> list[tuple[str, str]]:
    rate, busy, hash_ms = f"{plan.rate:,.0f}", plan.busy_machines, plan.hash_us / 1000

    def mean(attribute: str) -> str:
        return " + ".join(
            f"{share:g} × {getattr(plan.costs[name], attribute):,g}"
            for name, share in plan.mix.items()
        )

    loops, hashes, cores = f"{plan.loops:,.2f}", f"{plan.hashes:,.2f}", f"{plan.cores:,.1f}"
    needed = f"max({loops}, {hashes} ÷ {HASHES_AT_ONCE}) ÷ {USED} ÷ {busy}"
    everywhere = plan.processes * plan.machines
    return [
        ("request, service", f"{mean('service_us')} = {plan.service_us:,.0f} µs"),
        ("request, PostgreSQL", f"{mean('database_us')} = {plan.database_us:,.0f} µs"),
        ("event loops", f"{rate} × {plan.service_us:,.0f} µs = {loops} cores"),
        ("password hashes", f"{rate} × {plan.hashed:g} × {hash_ms:g} ms = {hashes} cores"),
        ("cores", f"({loops} + {hashes}) ÷ {USED} = {cores}"),
        ("machines", f"{cores} ÷ ({plan.site.cores} - 1) → {busy}, + 1 to lose = {plan.machines}"),
        ("processes", f"{needed} → {plan.processes} a machine, {everywhere:,} in all"),
    ]


def _of_the_connections(plan: Plan) -> list[tuple[str, str]]:
    site, rate = plan.site, f"{plan.rate:,.0f}"
    trips, held, in_use = f"{plan.round_trips:.2f}", f"{plan.held_ms:.1f}", f"{plan.in_use:.1f}"
    computed = f"({plan.service_us:,.0f} + {plan.database_us:,.0f}) µs ÷ {1 - USED:g}"
    busy = plan.processes * plan.busy_machines
    all_sets = f"2 × {plan.processes * plan.machines:,} × ({plan.pool} + 1) + {OTHERS}"
    allowed = f"{site.max_connections} - {RESERVED}"
    direct = "fits" if plan.fits else "needs PgBouncer"
    pooled = f"{rate} × {plan.pooled_ms:.1f} ms = {plan.rate * plan.pooled_ms / 1000:,.1f}"
    return [
        ("connection held", f"{computed} + {trips} × {site.round_trip:g} ms = {held} ms"),
        ("in use, a process", f"{rate} ÷ {busy:,} × {held} ms = {in_use}"),
        ("pool, a process", f"max({LEAST_POOL}, {in_use} + 3 × √{in_use}) → {plan.pool}"),
        ("connections", f"{all_sets} = {plan.connections:,}, of {allowed}: {direct}"),
        ("PgBouncer's", f"{pooled}, + 3 × √ → {plan.pooled:,}"),
    ]


def _of_the_rest(plan: Plan) -> list[tuple[str, str]]:
    rate, cores = f"{plan.rate:,.0f}", f"{plan.database_cores:,.1f}"
    hashing = f" + {HASHES_AT_ONCE} × {HASH_MEMORY}" if plan.hashed else ""
    each = f"{plan.processes} × ({plan.memory_mb:.0f}{hashing}) MB"
    connections = f"2 × {plan.clients:,} ÷ {plan.busy_machines} = {plan.nginx:,}"
    return [
        ("PostgreSQL, cores", f"{rate} × {plan.database_us:,.0f} µs ÷ {USED} = {cores}"),
        ("of them for writes", f"{plan.primary_cores:,.1f}"),
        ("commits", f"{rate} × {plan.written:g} = {plan.rate * plan.written:,.0f} a second"),
        ("memory, a machine", f"{each} = {plan.memory:,} MB"),
        ("clients", f"{rate} × {plan.site.pause:g} s = {plan.clients:,}"),
        ("nginx, a machine", f"{connections} connections"),
    ]
