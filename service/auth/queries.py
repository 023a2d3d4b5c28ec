"""All SQL about credentials."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import UUID, uuid4

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.auth.models import issued_tokens, revoked_tokens
from service.database.engine import Database, Query, Writer
from service.database.expiry import sweep
from service.security.tokens import Claims
from service.users.models import users

REVOKED = sa.exists().where(revoked_tokens.c.jti == sa.bindparam("jti"))
ISSUED = sa.exists().where(issued_tokens.c.jti == sa.bindparam("jti"))
# A token minted elsewhere is not in `issued_tokens`: when the user's credentials changed, its age
# decides. Its `iat` is a whole second, and the second of the change counts as before it.
CURRENT = sa.or_(
    users.c.tokens_valid_from.is_(None),
    sa.func.to_timestamp(sa.bindparam("issued_at", type_=sa.Float)) > users.c.tokens_valid_from,
    ISSUED,
)
ROLE = Query(
    sa.select(users.c.role).where(
        users.c.id == sa.bindparam("id"), users.c.active, ~REVOKED, CURRENT
    )
)
CREDENTIALS = Query(
    sa.select(users.c.id, users.c.password_hash).where(
        users.c.email == sa.bindparam("email"), users.c.active
    )
)
PASSWORD_HASH = Query(sa.select(users.c.password_hash).where(users.c.id == sa.bindparam("id")))
STILL_THE_PASSWORD = (
    sa.select(users.c.id)
    .where(
        users.c.id == sa.bindparam("id"),
        users.c.active,
        users.c.password_hash == sa.bindparam("password_hash"),
    )
    .with_for_update(key_share=True)
)
SET_PASSWORD = (
    sa.update(users)
    .where(users.c.id == sa.bindparam("user"), users.c.password_hash == sa.bindparam("old"))
    .values(password_hash=sa.bindparam("new"))
    .returning(users.c.id)
)
FORGET_EARLIER = (
    sa.update(users)
    .where(users.c.id == sa.bindparam("user"))
    .values(tokens_valid_from=sa.func.clock_timestamp(), updated_at=sa.func.clock_timestamp())
)
FAMILY = sa.select(issued_tokens.c.family).where(issued_tokens.c.jti == sa.bindparam("jti"))
RECORD = sa.insert(issued_tokens)
# Of two transactions that meet a token for the first time, the second gets the family of the first.
BEGIN_FAMILY = (
    insert(issued_tokens)
    .values({name: sa.bindparam(name) for name in ("jti", "family", "user_id", "expires_at")})
    .on_conflict_do_update(index_elements=["jti"], set_={"jti": sa.bindparam("jti")})
    .returning(issued_tokens.c.family)
)
# Whoever mints tokens for a user, or ends them, does so one after the other: what is minted is
# recorded before somebody ends all there is, or after, and then not at all.
HOLD_USER = (
    sa.select(users.c.id).where(users.c.id == sa.bindparam("id")).with_for_update(key_share=True)
)
REVOKE = (
    insert(revoked_tokens)
    .values({name: sa.bindparam(name) for name in ("jti", "user_id", "expires_at")})
    .on_conflict_do_nothing()
    .returning(revoked_tokens.c.jti)
)


def _revoke_issued(condition: sa.ColumnElement[bool]) -> Any:
    rows = sa.select(
        issued_tokens.c.jti, issued_tokens.c.user_id, issued_tokens.c.expires_at
    ).where(condition)
    return (
        insert(revoked_tokens)
        .from_select(["jti", "user_id", "expires_at"], rows)
        .on_conflict_do_nothing()
    )


REVOKE_FAMILY = _revoke_issued(issued_tokens.c.family == sa.bindparam("family"))
REVOKE_ALL = _revoke_issued(issued_tokens.c.user_id == sa.bindparam("user"))
SWEEPS = (sweep(revoked_tokens), sweep(issued_tokens))


async def role_of_active_user(database: Database, claims: Claims) -> str | None:
    """The role of the credential's user; None if the user is gone or inactive, or the credential
    revoked or older than the user's password."""
    rows = await database.select(ROLE, _asked(claims))
    return rows[0][0] if rows else None


async def is_good(writer: Writer, claims: Claims) -> bool:
    """Whether `role_of_active_user` finds one, in this transaction."""
    return bool((await writer.execute(ROLE.statement, _asked(claims))).scalar_one_or_none())


async def credentials_of(database: Database, email: str) -> tuple[int, str] | None:
    """The id and the password hash of the active user with this address, or None."""
    for user_id, password_hash in await database.select(CREDENTIALS, {"email": email.lower()}):
        return user_id, password_hash
    return None


async def password_hash_of(database: Database, user_id: int) -> str | None:
    """The stored hash, or None when there is no such user."""
    rows = await database.select(PASSWORD_HASH, {"id": user_id})
    return rows[0][0] if rows else None


async def is_still_the_password(writer: Writer, user_id: int, password_hash: str) -> bool:
    """Whether this is the active user's hash, and stays it until the transaction ends."""
    values = {"id": user_id, "password_hash": password_hash}
    return (await writer.execute(STILL_THE_PASSWORD, values)).one_or_none() is not None


async def replace_password(writer: Writer, user_id: int, *, old: str, new: str) -> bool:
    """Whether the user's hash was `old` and is now `new`."""
    values = {"user": user_id, "old": old, "new": new}
    return (await writer.execute(SET_PASSWORD, values)).one_or_none() is not None


async def revoke_all(writer: Writer, user_id: int) -> None:
    """Ends every token and session the user has."""
    await writer.execute(FORGET_EARLIER, {"user": user_id})
    await writer.execute(REVOKE_ALL, {"user": user_id})


async def record(
    writer: Writer, user_id: int, family: UUID, tokens: Sequence[Mapping[str, Any]]
) -> None:
    """Notes the claims of what was minted for the user in the family: `jti` and `exp` are read."""
    for statement in SWEEPS:
        await writer.execute(statement)
    owner = {"family": family, "user_id": user_id}
    rows = [{"jti": each["jti"], "expires_at": _moment(each["exp"]), **owner} for each in tokens]
    await writer.execute(RECORD, rows)


async def family_of(writer: Writer, claims: Claims) -> UUID:
    """The token's family; a token minted elsewhere begins one."""
    if claims.jti is None:
        return uuid4()
    values = {"family": uuid4(), **_row(claims)}
    family: UUID = (await writer.execute(BEGIN_FAMILY, values)).scalar_one()
    return family


async def revoke(writer: Writer, claims: Claims) -> bool:
    """Whether this call revoked the token; of several at once, exactly one does. One without a
    `jti` cannot be revoked."""
    if claims.jti is None:
        return True
    return (await writer.execute(REVOKE, _row(claims))).one_or_none() is not None


async def hold_owner(writer: Writer, claims: Claims) -> bool:
    """Whether the user exists, and stays, and mints and ends nothing else until the transaction
    ends."""
    return (await writer.execute(HOLD_USER, {"id": claims.user_id})).one_or_none() is not None


async def revoke_family(writer: Writer, claims: Claims) -> bool:
    """Ends the token and every one of its family; whether it was good until now. Hold its owner
    before."""
    family = await family_of(writer, claims)
    first = await revoke(writer, claims)
    await writer.execute(REVOKE_FAMILY, {"family": family})
    return first


def _asked(claims: Claims) -> dict[str, Any]:
    return {"id": claims.user_id, "jti": claims.jti or "", "issued_at": claims.issued_at}


def _row(claims: Claims) -> dict[str, Any]:
    return {
        "jti": claims.jti,
        "user_id": claims.user_id,
        "expires_at": _moment(claims.expires),
    }


def _moment(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
