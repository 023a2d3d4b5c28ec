"""Rows that end by themselves: a little is swept away with every write, so nothing piles up."""

from datetime import timedelta

import sqlalchemy as sa

# In the statement itself: of a parameter, a plan for any value expects a tenth of the table, and
# reads all of it.
SWEPT_AT_ONCE = sa.literal_column("200", sa.Integer)
# Kept a little longer: a token may be accepted past its end, by JWT_DECODE_LEEWAY.
LINGER = timedelta(days=1)


def sweep(table: sa.Table) -> sa.Delete:
    """Deletes some rows of the table whose `expires_at` has long passed; those that another
    transaction is deleting are left to it."""
    (key,) = table.primary_key.columns
    expired = (
        sa.select(key)
        .where(table.c.expires_at < sa.func.now() - LINGER)
        .order_by(table.c.expires_at)
        .limit(SWEPT_AT_ONCE)
        .with_for_update(skip_locked=True)
    )
    # An array is found once and looked up by the key; with IN, PostgreSQL plans it each time.
    return sa.delete(table).where(key == sa.any_(sa.func.array(expired.scalar_subquery())))
