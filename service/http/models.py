"""The table of answers that are given again to the same `Idempotency-Key`."""

import sqlalchemy as sa

from service.database.base import metadata

idempotency_keys = sa.Table(
    "idempotency_keys",
    metadata,
    # Digests: what a client sends, a password among it, is not kept.
    sa.Column("key", sa.LargeBinary, primary_key=True),
    sa.Column("fingerprint", sa.LargeBinary, nullable=False),
    sa.Column("answer", sa.LargeBinary, nullable=False),
    sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False, index=True),
)
