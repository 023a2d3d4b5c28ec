"""Who is in the database that every server uses."""

import asyncio
import os
import subprocess
import sys
import time
from uuid import uuid4

import asyncpg
import jwt

from benchmarks.servers import JWT_SECRET_KEY, KEPT, ROOT

USERS = 10_000
SETTINGS = {"max_connections": "200", "autovacuum": "off"}
"""PostgreSQL's: room for every pool, and no work of its own in the middle of a measurement."""
TOKEN_LIFE = 86_400

FILL = """
INSERT INTO users (email, name, password_hash, role)
SELECT 'user' || n || '@example.com', 'User ' || n, 'x', CASE n WHEN 1 THEN 'admin' ELSE 'user' END
FROM generate_series(1, $1::int) AS n
ON CONFLICT DO NOTHING
"""
ADMINISTRATOR = "SELECT id FROM users WHERE email = 'user1@example.com'"


def prepare(url: str) -> str:
    """The schema and the users; returns a token of an administrator among them. Raises
    `RuntimeError`, `OSError` or asyncpg's error."""
    kept = {name: os.environ[name] for name in KEPT if name in os.environ}
    done = subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={**kept, "DATABASE_URL": url},
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise RuntimeError(f"the schema could not be made:\n{done.stderr.strip()}")
    return _token(asyncio.run(_fill(url)))


async def _fill(url: str) -> int:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(FILL, USERS)
        await connection.execute("VACUUM ANALYZE users")
        return int(await connection.fetchval(ADMINISTRATOR))
    finally:
        await connection.close()


def _token(user_id: int) -> str:
    """As Flask-JWT-Extended makes them, for longer than any run."""
    now = int(time.time())
    claims = {
        "fresh": False,
        "iat": now,
        "nbf": now,
        "exp": now + TOKEN_LIFE,
        "jti": str(uuid4()),
        "type": "access",
        "sub": str(user_id),
    }
    return jwt.encode(claims, JWT_SECRET_KEY, "HS256")
