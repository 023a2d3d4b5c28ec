"""The rows of the contract, an area to a module. Importing this imports them all, in order."""

from importlib import import_module

AREAS = (
    "health",
    "routing",
    "bodies",
    "cors",
    "headers",
    "accounts",
    "tokens",
    "revocation",
    "passwords",
    "sessions",
    "jwt_cookies",
    "users",
    "lists",
    "limits",
    "proxies",
    "log",
    "configuration",
    "operation",
)

for area in AREAS:
    import_module(f"{__name__}.{area}")
