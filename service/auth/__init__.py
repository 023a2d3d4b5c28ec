"""Registration, login and tokens: `/api/v1/auth`."""
