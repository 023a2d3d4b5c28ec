"""Where the database is: where the configuration says, or in `var/postgres`."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from sqlalchemy.exc import ArgumentError

from service.config import Config, ConfigurationError
from service.database import embedded
from service.database.engine import Database
from service.database.url import DatabaseURLError

EMBEDDED = Path("var/postgres")
NO_DIRECT_DATABASE = (
    "MIGRATION_DATABASE_URL is not set: set it to PostgreSQL itself, for migrations cannot go "
    "through DATABASE_POOLER"
)


@asynccontextmanager
async def database_url(settings: Config) -> AsyncIterator[str]:
    """The URL to connect to during the block; an embedded PostgreSQL runs as long as it does.

    Raises `EmbeddedPostgresError`.
    """
    if settings.SQLALCHEMY_DATABASE_URI:
        yield settings.SQLALCHEMY_DATABASE_URI
        return
    server = await asyncio.to_thread(embedded.start, EMBEDDED)
    try:
        yield server.url
    finally:
        await asyncio.to_thread(server.close)


@asynccontextmanager
async def migration_url(settings: Config) -> AsyncIterator[str]:
    """The URL to migrate through, which no pooler stands before: in transaction mode, one gave the
    migrations' lock to two at once.

    Raises `ConfigurationError` or `EmbeddedPostgresError`.
    """
    if settings.MIGRATION_DATABASE_URL:
        yield settings.MIGRATION_DATABASE_URL
    elif settings.DATABASE_POOLER:
        raise ConfigurationError([NO_DIRECT_DATABASE])
    else:
        async with database_url(settings) as url:
            yield url


@asynccontextmanager
async def open_database(settings: Config) -> AsyncIterator[Database]:
    """The database during the block; nothing connects before the first query.

    Raises `ConfigurationError` or `EmbeddedPostgresError`.
    """
    async with database_url(settings) as url:
        try:
            database = Database(
                url,
                settings.SQLALCHEMY_ENGINE_OPTIONS,
                statement_timeout=settings.DATABASE_STATEMENT_TIMEOUT,
                pooler=settings.DATABASE_POOLER,
            )
        except DatabaseURLError as error:
            raise ConfigurationError([f"DATABASE_URL {error}"]) from error
        except (TypeError, ValueError, ArgumentError) as error:
            raise ConfigurationError([f"SQLALCHEMY_ENGINE_OPTIONS: {error}"]) from error
        try:
            yield database
        finally:
            await database.close()
