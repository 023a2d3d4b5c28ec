"""Alembic, by its command line: what is applied, what is pending, and the upgrade."""
