"""How many connections PostgreSQL leaves to this service, and how many processes fit in them.

`python -m service.database.budget` prints how many processes fit, or nothing when PostgreSQL does
not say, or a pooler stands before it: for a process manager, which should not load the service's
packages itself.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.config import Config, ConfigurationError, load_for_migration
from service.database.embedded import EmbeddedPostgresError
from service.database.engine import POOL_DEFAULTS, Database, DatabaseUnavailable
from service.database.location import open_database

ASK_LIMIT = 3.0
PROBES = 1

# Connections of this role to this database are the service's own, not somebody else's. What other
# roles do is hidden from this one, but not that they are there; reserved_connections is from
# PostgreSQL 16 on.
QUERY = sa.text("""
WITH backends AS (
    SELECT usesysid = me.oid AS ours, datid = here.oid AS here
    FROM pg_stat_activity, pg_roles AS me, pg_database AS here
    WHERE me.rolname = current_user AND here.datname = current_database()
        AND datid IS NOT NULL AND usesysid IS NOT NULL AND leader_pid IS NULL
)
SELECT
    current_setting('max_connections')::int AS maximum,
    current_setting('superuser_reserved_connections')::int
        + coalesce(current_setting('reserved_connections', true), '0')::int AS reserved,
    (SELECT count(*) FROM backends WHERE NOT (ours AND here)) AS others,
    (SELECT rolconnlimit - (SELECT count(*) FROM backends WHERE ours AND NOT here)
        FROM pg_roles WHERE rolname = current_user AND rolconnlimit >= 0) AS role,
    (SELECT datconnlimit - (SELECT count(*) FROM backends WHERE here AND NOT ours)
        FROM pg_database WHERE datname = current_database() AND datconnlimit >= 0) AS database
""")


@dataclass(frozen=True, slots=True)
class Budget:
    """What PostgreSQL allows. `role`, `database`: what is left of a limit of the role's or the
    database's own, None where there is none."""

    maximum: int
    reserved: int
    others: int
    role: int | None
    database: int | None

    @property
    def available(self) -> int:
        """How many connections this service may have open, those it has included."""
        left = [self.maximum - self.reserved - self.others, self.role, self.database]
        return max(0, min(each for each in left if each is not None))


async def connection_budget(database: Database, *, timeout: float = ASK_LIMIT) -> Budget | None:
    """What PostgreSQL says; None when it does not answer within `timeout` seconds."""
    try:
        async with asyncio.timeout(timeout), database.reading() as reader:
            return Budget(**(await reader.execute(QUERY)).mappings().one())
    except (DatabaseUnavailable, TimeoutError):
        return None


def pool_size(engine_options: Mapping[str, Any]) -> int:
    """How many connections one process's pool may hold, with these SQLALCHEMY_ENGINE_OPTIONS."""
    options = {**POOL_DEFAULTS, **engine_options}
    return int(options["pool_size"]) + int(options["max_overflow"])


def connections_per_process(engine_options: Mapping[str, Any]) -> int:
    """How many connections one process may open: its pool's, and the probe's."""
    return pool_size(engine_options) + PROBES


def processes_that_fit(connections: int, engine_options: Mapping[str, Any]) -> int:
    """How many processes can open all their connections at once; one at least, which is no use
    if it cannot either, but says so itself."""
    return max(1, connections // connections_per_process(engine_options))


async def ask(settings: Config) -> int | None:
    """How many processes fit, with this configuration; None when PostgreSQL does not say, and
    where a pooler stands before it."""
    if not settings.SQLALCHEMY_DATABASE_URI or settings.DATABASE_POOLER:
        return None  # behind a pooler, processes share its connections
    async with open_database(settings) as database:
        budget = await connection_budget(database)
    if budget is None:
        return None
    return processes_that_fit(budget.available, settings.SQLALCHEMY_ENGINE_OPTIONS)


if __name__ == "__main__":
    try:
        print(asyncio.run(ask(load_for_migration())) or "")
    except (ConfigurationError, EmbeddedPostgresError):
        print()  # whoever starts the service is told there
