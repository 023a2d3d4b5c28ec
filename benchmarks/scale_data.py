"""Users by the million, made inside PostgreSQL: logged tables, the service's schema, every index.

Each user has logged in once (a row of `issued_tokens`), every tenth has logged out
(`revoked_tokens`). Indexes are built after the rows, as a restore does; statistics are up to date.
"""

import asyncio
import os
import subprocess
import sys
import time
from pathlib import Path

import asyncpg
import msgspec
from werkzeug.security import generate_password_hash

from benchmarks.scale_cases import PASSWORD

ROOT = Path(__file__).parents[1]
# Costs next to nothing: what is measured is the rest of a login.
SCHEME = "pbkdf2:sha256:1"
# What a user takes: rows, indexes, and room to sort them.
BYTES_A_USER = 700
BYTES_BESIDE = 3_000_000_000
TABLES = ("users", "issued_tokens", "revoked_tokens")

# Foreign keys first to go, last to come.
CONSTRAINTS = """
SELECT conrelid::regclass::text AS owner, conname AS name, pg_get_constraintdef(oid) AS definition
FROM pg_constraint
WHERE conrelid = ANY ($1::text[]::regclass[]) AND contype IN ('p', 'u', 'f')
ORDER BY contype <> 'f'
"""
INDEXES = """
SELECT indexrelid::regclass::text AS name, pg_get_indexdef(indexrelid) AS definition
FROM pg_index
WHERE indrelid = ANY ($1::text[]::regclass[])
    AND NOT EXISTS (SELECT FROM pg_constraint WHERE conindid = indexrelid)
"""
USERS = """
INSERT INTO users (email, name, password_hash, role)
SELECT 'user' || n || '@example.com', 'User ' || n, $2::text,
    CASE n WHEN 1 THEN 'admin' ELSE 'user' END
FROM generate_series(1, $1::bigint) AS n
"""
ISSUED = """
INSERT INTO issued_tokens (jti, family, user_id, expires_at)
SELECT gen_random_uuid(), gen_random_uuid(), n, now() + random() * interval '30 days'
FROM generate_series(1, $1::bigint) AS n
"""
REVOKED = """
INSERT INTO revoked_tokens (jti, user_id, expires_at)
SELECT jti, user_id, expires_at FROM issued_tokens WHERE user_id % 10 = 0
"""
SIZE = "SELECT pg_database_size(current_database())"


class Filled(msgspec.Struct, frozen=True):
    """A database with so many users. `seconds` to make it, indexes and VACUUM included."""

    users: int
    bytes: int
    seconds: float


def bytes_needed(sizes: list[int]) -> int:
    """Free space that databases of these sizes want."""
    return sum(sizes) * BYTES_A_USER + BYTES_BESIDE


def fill(url: str, users: int) -> Filled:
    """Migrates the empty database and puts the users in."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stderr=subprocess.DEVNULL,
        check=True,
    )
    return asyncio.run(_fill(url, users))


async def _fill(url: str, users: int) -> Filled:
    started = time.monotonic()
    connection = await asyncpg.connect(url)
    try:
        constraints = await connection.fetch(CONSTRAINTS, TABLES)
        indexes = await connection.fetch(INDEXES, TABLES)
        for each in constraints:
            await connection.execute(f"ALTER TABLE {each['owner']} DROP CONSTRAINT {each['name']}")
        for each in indexes:
            await connection.execute(f"DROP INDEX {each['name']}")
        await connection.execute(USERS, users, generate_password_hash(PASSWORD, SCHEME))
        await connection.execute(ISSUED, users)
        await connection.execute(REVOKED)
        for each in indexes:
            await connection.execute(each["definition"])
        for each in reversed(constraints):
            await connection.execute(
                f"ALTER TABLE {each['owner']} ADD CONSTRAINT {each['name']} {each['definition']}"
            )
        await connection.execute("VACUUM (FREEZE, ANALYZE)")
        await connection.execute("CHECKPOINT")
        size = await connection.fetchval(SIZE)
    finally:
        await connection.close()
    return Filled(users, size, time.monotonic() - started)


def read_into_memory(data: Path) -> None:
    """Reads every file of the cluster once, so that no size is measured on a cold disk."""
    for path in (data / "base").rglob("*"):
        if path.is_file():
            with path.open("rb") as file:
                while file.read(1 << 22):
                    pass
