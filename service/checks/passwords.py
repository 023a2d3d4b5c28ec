"""The line about passwords: how new ones are hashed, and what is stored of the old."""

from __future__ import annotations

import sqlalchemy as sa
from sqlalchemy.exc import ProgrammingError

from service.checks.line import Outcome, Unknowable, failed, passed
from service.checks.scene import SEE_DATABASE, Scene
from service.database.engine import DatabaseUnavailable

# What is not named here could be anything, a password above all: it is counted, never shown.
# Werkzeug's own defaults have been these or stronger since 2.3, where passwords written by Flask
# come from; what is weaker is broken today, not merely due for renewal.
HASHES = """
SELECT kind, count(*) AS users
FROM (
    SELECT CASE
        WHEN password_hash IN ('', '!', '*') THEN 'none'
        WHEN password_hash ~ '^[$]argon2id[$]' THEN 'argon2id'
        WHEN password_hash ~ '^[$]2[abxy][$](1[0-9]|[23][0-9])[$]' THEN 'bcrypt'
        WHEN password_hash ~ '^[$]2[abxy][$][0-9]{2}[$]' THEN 'weak bcrypt'
        WHEN password_hash ~ '^scrypt:[0-9]{1,9}:[0-9]{1,4}:[0-9]{1,4}[$]' THEN
            CASE WHEN split_part(password_hash, ':', 2)::int >= 32768
                    AND split_part(password_hash, ':', 3)::int >= 8
                THEN 'scrypt' ELSE 'weak scrypt' END
        WHEN password_hash ~ '^pbkdf2:sha(256|512):[0-9]{1,9}[$]' THEN
            CASE WHEN split_part(split_part(password_hash, ':', 3), '$', 1)::int >= 260000
                THEN 'pbkdf2' ELSE 'weak pbkdf2' END
        ELSE 'unknown'
    END AS kind
    FROM users
) AS hashes
GROUP BY kind ORDER BY kind
"""
SOUND = frozenset({"none", "argon2id", "bcrypt", "scrypt", "pbkdf2"})

# OWASP's password storage cheat sheet: N, with the least p that makes up for it at r = 8.
SCRYPT_COSTS = {2**17: 1, 2**16: 2, 2**15: 3, 2**14: 5, 2**13: 10}
PBKDF2_ROUNDS = {"sha256": 600_000, "sha512": 210_000}


async def password_hashing(scene: Scene) -> Outcome:
    """`PASSWORD_SCHEME` is argon2id, or scrypt or PBKDF2 at OWASP's cost or more; no user in the
    database has a password in plain text, in a format nobody knows, or in a hash weaker than
    Werkzeug's defaults.

    Unset `PASSWORD_SCHEME`. A weak hash is replaced at its user's next login; set the others to
    `''`, which no password fits, and let those users choose a new one.
    """
    scheme = scene.settings.PASSWORD_SCHEME
    if not is_strong(scheme):
        return failed(f"PASSWORD_SCHEME is {scheme}, below OWASP's cost", "unset PASSWORD_SCHEME")
    if not scene.deployed:
        return passed(scheme)
    database = await scene.database()
    try:
        async with database.reading() as reader:
            rows = (await reader.execute(sa.text(HASHES))).all()
    except ProgrammingError:
        raise Unknowable("there is no table of users", "see the line migrations") from None
    except DatabaseUnavailable as error:
        raise Unknowable(f"the database does not answer: {error}", SEE_DATABASE) from None
    shown = ", ".join(f"{users} {kind}" for kind, users in rows) or "no users yet"
    if any(kind not in SOUND for kind, _ in rows):
        return failed(
            f"stored passwords: {shown}",
            "weak ones are replaced at their users' next login; set users.password_hash to '' "
            "where it is unknown, and let those users choose a new password",
        )
    return passed(f"{scheme}; stored: {shown}")


def is_strong(scheme: str) -> bool:
    """Whether new hashes cost an attacker what OWASP asks for. Werkzeug's short forms (`scrypt`,
    `pbkdf2:sha256`) mean its defaults, of which scrypt's is below that."""
    name, *parameters = scheme.split(":")
    if name == "argon2id":
        return True
    if name == "scrypt" and len(parameters) == 3:
        n, r, p = map(int, parameters)
        return any(
            n >= least_n and r >= 8 and p >= least_p for least_n, least_p in SCRYPT_COSTS.items()
        )
    if name == "pbkdf2" and parameters and parameters[0] in PBKDF2_ROUNDS:
        rounds = int(parameters[1]) if len(parameters) > 1 else 1_000_000
        return rounds >= PBKDF2_ROUNDS[parameters[0]]
    return False
