"""Rows that end by themselves: a little is swept away with every write, so nothing piles up."""

from datetime import timedelta

import sqlalchemy as sa

SWEPT_AT_ONCE = 200
# Kept a little longer: a token may be accepted past its end, by JWT_DECODE_LEEWAY.
LINGER = timedelta(days=1)


def sweep(table: sa.Table) -> sa.Delete:
    """Deletes some rows of the table whose `expires_at` has long passed; those that another
    transaction is deleting are left to it."""
    (key,) = table.primary_key.columns
    expired = (
        sa.select(key)
        .where(table.c.expires_at < sa.func.now() - LINGER)
        .limit(SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    return sa.delete(table).where(key.in_(expired))
