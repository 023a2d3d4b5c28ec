"""Users: `/api/v1/users`."""
