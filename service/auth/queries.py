"""All SQL about credentials."""

from datetime import UTC, datetime

import sqlalchemy as sa
from sqlalchemy.dialects.postgresql import insert

from service.auth.models import revoked_tokens
from service.database.engine import Reader, Writer
from service.security.tokens import Claims
from service.users.models import users

ROLE = sa.select(users.c.role).where(
    users.c.id == sa.bindparam("id"),
    users.c.active,
    ~sa.exists().where(revoked_tokens.c.jti == sa.bindparam("jti")),
)
CREDENTIALS = sa.select(users.c.id, users.c.password_hash).where(
    users.c.email == sa.bindparam("email"), users.c.active
)
FORGET_EXPIRED = sa.delete(revoked_tokens).where(revoked_tokens.c.expires_at < sa.func.now())
REVOKE = (
    insert(revoked_tokens)
    .values({name: sa.bindparam(name) for name in ("jti", "user_id", "expires_at")})
    .on_conflict_do_nothing()
    .returning(revoked_tokens.c.jti)
)


async def role_of_active_user(reader: Reader, claims: Claims) -> str | None:
    """The role of the token's user; None if the user is gone or inactive, or the token revoked."""
    values = {"id": claims.user_id, "jti": claims.jti}
    return (await reader.execute(ROLE, values)).scalar_one_or_none()


async def credentials_of(reader: Reader, email: str) -> tuple[int, str] | None:
    """The id and the password hash of the active user with this address, or None."""
    row = (await reader.execute(CREDENTIALS, {"email": email.lower()})).one_or_none()
    return (row.id, row.password_hash) if row else None


async def revoke(writer: Writer, claims: Claims) -> bool:
    """Whether this call revoked the token; of several at once, exactly one does."""
    await writer.execute(FORGET_EXPIRED)
    expires_at = datetime.fromtimestamp(claims.expires, UTC)
    values = {"jti": claims.jti, "user_id": claims.user_id, "expires_at": expires_at}
    return (await writer.execute(REVOKE, values)).one_or_none() is not None
