"""PostgreSQL: where it is, how to reach it, what its schema should be."""
