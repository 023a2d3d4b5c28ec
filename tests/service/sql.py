"""The service's database as somebody else's session sees it, or holds it up."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg

from tests.support import wait_until


def fetch(url: str, statement: str, *values: Any) -> list[tuple[Any, ...]]:
    """The rows of one statement, committed; none where it gives none."""
    with psycopg.connect(url) as connection:
        cursor = connection.execute(statement, values)
        return cursor.fetchall() if cursor.description else []


@contextmanager
def held(url: str, statement: str, *values: Any) -> Iterator[psycopg.Connection]:
    """The locks of the statement are held until the block ends, which commits."""
    with psycopg.connect(url) as connection:
        connection.execute(statement, values)
        yield connection


def until_blocked(url: str, sessions: int = 1) -> None:
    """Returns once that many sessions of the database wait for somebody's lock."""
    wait_until(lambda: blocked(url) >= sessions, f"{sessions} sessions wait for a lock")


def blocked(url: str) -> int:
    """How many sessions of the database wait for somebody's lock."""
    waiting = (
        "SELECT count(*) FROM pg_stat_activity"
        " WHERE datname = current_database() AND wait_event_type = 'Lock'"
    )
    [(count,)] = fetch(url, waiting)
    return int(count)
