"""Whether the database's schema is the one this code was written for."""

import asyncio
from functools import cache
from pathlib import Path

import asyncpg
import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from service.database.engine import Database, DatabaseUnavailable

HISTORY = Path("alembic")
LIMIT = 1.5
REVISION = sa.text("SELECT version_num FROM alembic_version")


@cache
def known_revisions() -> tuple[str | None, frozenset[str]]:
    """The head of the history beside the service, and every revision in it; None without one."""
    # Alembic is needed for this alone: a process that is never asked does not load it.
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    if not (HISTORY / "env.py").is_file():
        return None, frozenset()
    script = ScriptDirectory(str(HISTORY))
    return script.get_current_head(), frozenset(
        revision.revision for revision in script.walk_revisions()
    )


@cache
def pending_after(found: str | None) -> int | None:
    """How many migrations a database at that revision lacks; None without a history beside the
    service."""
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    head, known = known_revisions()
    if head is None:
        return None
    if found is not None and found not in known:
        return 0  # a newer one
    script = ScriptDirectory(str(HISTORY))
    return len(list(script.iterate_revisions(head, found or "base")))


async def found_revision(database: Database) -> str | None:
    """The revision the database says it is at. Raises `DatabaseUnavailable`."""
    try:
        found = await database.column(REVISION, timeout=LIMIT)
    except (asyncpg.SyntaxOrAccessError, ProgrammingError):
        return None
    return ", ".join(sorted(found)) or None


async def schema_state(database: Database) -> tuple[bool, str]:
    """Whether requests can be served with the schema found, and what was found.

    A revision unknown here is newer: during a roll-out the old code goes on serving on it.
    """
    head, known = await asyncio.to_thread(known_revisions)
    if head is None:
        return True, "no migration history beside the service"
    try:
        found = await found_revision(database)
    except DatabaseUnavailable:
        return False, "unknown: the database does not answer"
    if found == head:
        return True, f"{head} (head)"
    if found is None:
        return False, f"empty, needs {head}: run alembic upgrade head"
    if found not in known:
        return True, f"{found} is newer than {head}"
    return False, f"{found}, needs {head}: run alembic upgrade head"
