"""The tables of credentials: which tokens there are, and which are not accepted any more."""

import sqlalchemy as sa

from service.database.base import metadata


def _owner() -> sa.Column[int]:
    key = sa.ForeignKey("users.id", ondelete="CASCADE")
    return sa.Column("user_id", sa.BigInteger, key, nullable=False, index=True)


def _expiry() -> sa.Column[object]:
    return sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True)


# The block list of Flask-JWT-Extended's documentation: both sides consult it by `jti`.
revoked_tokens = sa.Table(
    "revoked_tokens",
    metadata,
    sa.Column("jti", sa.String(64), primary_key=True),
    _owner(),
    _expiry(),
)

# What was minted here, so that all of a family can be put on that list: the tokens and the session
# of one login, and every token that a refresh made of them.
issued_tokens = sa.Table(
    "issued_tokens",
    metadata,
    sa.Column("jti", sa.String(64), primary_key=True),
    sa.Column("family", sa.Uuid, nullable=False, index=True),
    _owner(),
    _expiry(),
)
