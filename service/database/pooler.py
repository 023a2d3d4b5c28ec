"""PgBouncer in transaction mode, between the service and PostgreSQL (`DATABASE_POOLER=pgbouncer`).

What follows a transaction may reach another of PgBouncer's connections. So every statement is part
of one, is not kept as a prepared statement, and its time limit is set with the BEGIN: PgBouncer
refuses a client that sets it when it connects. This holds for every version of PgBouncer, and costs
a read two round trips more.
"""

from typing import Any

import asyncpg

# What is different about SQLAlchemy's statements. The nameless one is replaced by the next: a name
# may be another client's.
DIALECT_ARGS = {"prepared_statement_cache_size": 0, "prepared_statement_name_func": str}


def connect_args(statement_timeout: float, base: type[asyncpg.Connection]) -> dict[str, Any]:
    """What is different about a connection to PgBouncer. `statement_timeout`: seconds."""
    return {
        "statement_cache_size": 0,
        "server_settings": {},
        "connection_class": _connection_class(statement_timeout, base),
    }


def _connection_class(
    statement_timeout: float, base: type[asyncpg.Connection]
) -> type[asyncpg.Connection]:
    milliseconds = int(statement_timeout * 1000)

    def limited(query: str) -> str:
        # asyncpg's own, when a transaction starts. A message of its own would be a round trip.
        begins = query.startswith("BEGIN")
        return f"{query} SET LOCAL statement_timeout = {milliseconds};" if begins else query

    class PooledConnection(base):  # type: ignore[misc] # asyncpg has no types
        async def execute(self, query: str, *args: Any, timeout: float | None = None) -> str:
            status: str = await super().execute(limited(query), *args, timeout=timeout)
            return status

    return PooledConnection
