"""What "not now" means: the errors of a database that cannot answer, each in a few fixed words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import asyncpg
from sqlalchemy.dialects.postgresql.asyncpg import AsyncAdapt_asyncpg_dbapi
from sqlalchemy.exc import DBAPIError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError


class DatabaseUnavailable(Exception):  # noqa: N818 - the name the caller reads is the state
    """The database cannot answer now. `reason` is one of a few fixed phrases: no host, no SQL.

    `outage`: the breaker is open, and its opening has been told, once for all requests."""

    def __init__(self, reason: str, *, outage: bool = False) -> None:
        super().__init__(reason)
        self.reason = reason
        self.outage = outage


@contextmanager
def unavailability() -> Iterator[None]:
    """What means "not now" in the block raises `DatabaseUnavailable`; a bug stays what it is."""
    try:
        yield
    except Exception as error:
        reason = reason_of(error)
        if reason is None:
            raise
        raise DatabaseUnavailable(reason) from error


def reason_of(error: BaseException | None) -> str | None:
    """The reason, None for what is no "not now" but a bug."""
    if isinstance(error, DBAPIError):
        cause = _driver_error(error)
        return reason_of(cause) or ("connection lost" if error.connection_invalidated else None)
    if isinstance(error, AsyncAdapt_asyncpg_dbapi.Error):
        # As the pool raises it, which wraps nothing.
        return reason_of(error.__cause__)
    if isinstance(error, asyncpg.ProtocolViolationError) and "startup parameter" in str(error):
        return "refused by a pooler: set DATABASE_POOLER"
    for kind, reason in REASONS:
        if isinstance(error, kind):
            return reason
    return None


def is_an_answer(error: BaseException | None) -> bool:
    """Whether PostgreSQL itself said so, which it cannot do when it is away."""
    if isinstance(error, DBAPIError):
        error = _driver_error(error)
    return isinstance(error, asyncpg.PostgresError) and not isinstance(error, AWAY)


def _driver_error(error: DBAPIError) -> BaseException | None:
    return error.orig.__cause__ if error.orig else None


# What asyncpg says by itself, PostgreSQL as it goes, and PgBouncer of a PostgreSQL that has gone.
AWAY = (
    asyncpg.ProtocolViolationError,
    asyncpg.PostgresConnectionError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
)

# An InternalClientError is asyncpg's of a connection whose end was announced while it lay idle.
REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (PoolTimeoutError, "pool timeout"),
    (asyncpg.QueryCanceledError, "statement timeout"),
    (asyncpg.InvalidAuthorizationSpecificationError, "authentication failed"),
    (asyncpg.InvalidCatalogNameError, "database does not exist"),
    (asyncpg.TooManyConnectionsError, "too many connections"),
    (asyncpg.CannotConnectNowError, "starting up or shutting down"),
    (asyncpg.AdminShutdownError, "connection lost"),
    (asyncpg.CrashShutdownError, "connection lost"),
    (asyncpg.PostgresConnectionError, "connection lost"),
    (asyncpg.ProtocolViolationError, "connection lost"),
    (asyncpg.InternalClientError, "connection lost"),
    (TimeoutError, "timeout"),
    (ConnectionRefusedError, "connection refused"),
    (OSError, "cannot connect"),
)
