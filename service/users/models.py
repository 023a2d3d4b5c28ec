"""The `users` table: somebody who can log in.

Tables are SQLAlchemy Core: no query here needs an identity map, and rows go straight to JSON.
"""

import sqlalchemy as sa

from service.database.base import metadata

users = sa.Table(
    "users",
    metadata,
    sa.Column("id", sa.BigInteger, sa.Identity(), primary_key=True),
    # In lower case, so that an address belongs to one user however it is typed.
    sa.Column("email", sa.String(254), nullable=False, unique=True),
    sa.Column("name", sa.String(200), nullable=False, server_default=""),
    sa.Column("password_hash", sa.String(255), nullable=False),
    sa.Column("role", sa.String(16), nullable=False, server_default="user"),
    sa.Column("active", sa.Boolean, nullable=False, server_default=sa.true()),
    sa.Column(
        "created_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    sa.Column(
        "updated_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()
    ),
    # Tokens minted elsewhere before this moment are not accepted; null: the password never changed.
    sa.Column("tokens_valid_from", sa.DateTime(timezone=True)),
    sa.CheckConstraint("role IN ('user', 'admin')", name="role"),
)
