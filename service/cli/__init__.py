"""The `quart` commands of an operator: `users`, `db`, `check`."""
