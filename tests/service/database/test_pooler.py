"""What changes when a pooler stands before PostgreSQL; tests/deploy/pgbouncer has a real one."""

import pytest

from service.config import ConfigurationError, load, load_for_migration
from service.database.budget import ask
from service.database.location import migration_url

DIRECT = "postgresql://u@direct/d"


def test_only_what_is_known() -> None:
    assert load("testing", {"DATABASE_POOLER": "pgbouncer"}).DATABASE_POOLER == "pgbouncer"
    with pytest.raises(ConfigurationError, match="DATABASE_POOLER must be pgbouncer"):
        load("testing", {"DATABASE_POOLER": "pgpool"})


async def test_processes_are_not_counted_against_postgresql(database: str) -> None:
    straight = load_for_migration({"DATABASE_URL": database})
    assert await ask(straight) is not None
    pooled = load_for_migration({"DATABASE_URL": database, "DATABASE_POOLER": "pgbouncer"})
    assert await ask(pooled) is None


async def url_for_migrations(**environ: str) -> str:
    async with migration_url(load_for_migration(environ)) as url:
        return url


async def test_migrations_go_past_the_pooler() -> None:
    pooled = "postgresql://u@pooler/d"
    assert await url_for_migrations(DATABASE_URL=pooled) == pooled
    told = {"DATABASE_URL": pooled, "MIGRATION_DATABASE_URL": DIRECT}
    assert await url_for_migrations(**told) == DIRECT
    assert await url_for_migrations(**told, DATABASE_POOLER="pgbouncer") == DIRECT
    with pytest.raises(ConfigurationError, match="MIGRATION_DATABASE_URL is not set"):
        await url_for_migrations(DATABASE_URL=pooled, DATABASE_POOLER="pgbouncer")
