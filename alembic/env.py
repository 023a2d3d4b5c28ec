"""How Alembic reaches the database: the service's own URL, engine and tables."""

import asyncio
import pkgutil
import sys
import time
from importlib import import_module
from pathlib import Path

import sqlalchemy as sa
from alembic import context
from sqlalchemy import Connection

import service
from service.config import ConfigurationError, load_for_migration
from service.database.base import metadata
from service.database.embedded import EmbeddedPostgresError
from service.database.engine import DatabaseUnavailable, create_engine, unavailability
from service.database.location import migration_url
from service.database.url import DatabaseURLError, translate
from service.observability import logging

# One migration at a time, whoever starts it: replicas, a release job, an operator's console.
ADVISORY_LOCK = 5_500_001
# Commands that only look must answer while a migration runs: an operator asks just then.
ONLY_LOOK = frozenset({"current", "check", "history", "revision"})
# A statement that waits longer for a table's lock gives up, before everybody queues behind it.
LOCK_TIMEOUT = "4s"
# How long to wait for another migration to end, in seconds.
PATIENCE = 300.0
STATEMENT_TIMEOUT = 3600.0


def models() -> sa.MetaData:
    """The tables of every resource: each `service/<resource>/models.py` there is."""
    for package in pkgutil.iter_modules(service.__path__):
        if (Path(service.__path__[0]) / package.name / "models.py").is_file():
            import_module(f"service.{package.name}.models")
    return metadata


def take_turn(connection: Connection) -> None:
    """Waits for the advisory lock by asking again: waiting inside PostgreSQL would hold a snapshot
    that a CREATE INDEX CONCURRENTLY of the other side waits for, for ever."""
    deadline = time.monotonic() + PATIENCE
    while not connection.scalar(sa.select(sa.func.pg_try_advisory_lock(ADVISORY_LOCK))):
        connection.rollback()
        if time.monotonic() > deadline:
            sys.exit(f"another migration has been running for {PATIENCE:.0f} s: see what it does")
        time.sleep(0.2)


def migrate(connection: Connection) -> None:
    """Runs what the command line asked for."""
    options = context.config.cmd_opts
    if options is None or options.cmd[0].__name__ not in ONLY_LOOK:
        take_turn(connection)
    connection.execute(sa.text(f"SET lock_timeout = '{LOCK_TIMEOUT}'"))
    # Ends the transaction begun above: inside it, Alembic's own would commit nothing.
    connection.commit()
    context.configure(
        connection=connection, target_metadata=models(), transaction_per_migration=True
    )
    with context.begin_transaction():
        context.run_migrations()


async def online() -> None:
    """Connects, as the service does, and migrates."""
    settings = load_for_migration()
    # Standard error: standard output is for the answer of `alembic current` and its like.
    logging.configure(level="info", fmt=settings.LOG_FORMAT, stream=sys.stderr)
    async with migration_url(settings) as url:
        connect_args = settings.SQLALCHEMY_ENGINE_OPTIONS.get("connect_args")
        engine = create_engine(
            translate(url, connect_args),
            {"pool_size": 1, "max_overflow": 0},
            statement_timeout=STATEMENT_TIMEOUT,
        )
        try:
            with unavailability():
                async with engine.connect() as connection:
                    await connection.execution_options(isolation_level="READ COMMITTED")
                    await connection.run_sync(migrate)
        finally:
            await engine.dispose()


def offline() -> None:
    """Prints the SQL, for `alembic upgrade --sql`."""
    context.configure(dialect_name="postgresql", target_metadata=models(), literal_binds=True)
    with context.begin_transaction():
        context.run_migrations()


if context.is_offline_mode():
    offline()
else:
    try:
        asyncio.run(online())
    except ConfigurationError as error:
        sys.exit(error.report())
    except DatabaseURLError as error:
        own = load_for_migration().MIGRATION_DATABASE_URL
        sys.exit(f"{'MIGRATION_DATABASE_URL' if own else 'DATABASE_URL'} {error}")
    except EmbeddedPostgresError as error:
        sys.exit(str(error))
    except DatabaseUnavailable as error:
        sys.exit(f"the database cannot answer: {error.reason}")
