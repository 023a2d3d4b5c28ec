"""Password hashes, made and checked where they cannot block the event loop.

Werkzeug's formats, so that Flask verifies what is written here; bcrypt's, which Flask-Bcrypt wrote;
and argon2id, for when no Flask process is left.
"""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

import bcrypt
from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from werkzeug.security import check_password_hash, generate_password_hash

T = TypeVar("T")

# scrypt at N=32768, r=8 takes 32 MB while it runs: this bounds the memory, not only the CPU.
CONCURRENCY = max(2, min(4, os.cpu_count() or 2))
BCRYPT = ("$2a$", "$2b$", "$2x$", "$2y$")
# bcrypt reads no further; whoever made the hash cut the password there, or had bcrypt do it.
BCRYPT_READS = 72

# argon2-cffi's defaults are RFC 9106's low-memory profile: 64 MiB, three passes.
argon2id = PasswordHasher()


class Passwords:
    """Hashes by `scheme` (Werkzeug's notation, or `argon2id`) in a few threads of its own."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="passwords")
        # Checked when no such user exists, so that the time of the answer does not tell.
        self._nobody = _hash("nobody", scheme)

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._run(_hash, password, self._scheme)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits the stored hash; None, for no such user, costs as much."""
        matches = await self._run(_check, self._nobody if stored is None else stored, password)
        return matches and stored is not None

    def outdated(self, stored: str) -> bool:
        """Whether the stored hash is weaker than one made now, and should be replaced."""
        if self._scheme == "argon2id":
            return not stored.startswith("$argon2id$") or argon2id.check_needs_rehash(stored)
        return strength(stored) < strength(self._nobody)

    async def _run(self, work: Callable[[str, str], T], first: str, second: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, first, second)

    def close(self) -> None:
        """Ends the threads once their work is done."""
        self._threads.shutdown(wait=False)


def strength(stored: str) -> tuple[int, int]:
    """How strong a stored hash is: its family (0 unknown, 1 pbkdf2, 2 bcrypt, 3 scrypt, 4 argon2)
    and, within that, its cost."""
    if stored.startswith("$argon2"):
        return 4, 0
    if stored.startswith(BCRYPT):
        cost = stored[4:6]
        return 2, int(cost) if cost.isdigit() else 0
    name, *parameters = stored.partition("$")[0].split(":")
    numbers = [int(each) for each in parameters if each.isdigit()]
    if name == "scrypt":
        n, r, p = numbers if len(numbers) == 3 else (0, 0, 0)
        return 3, n * r * p
    return (1, numbers[-1] if numbers else 0) if name == "pbkdf2" else (0, 0)


def _hash(password: str, scheme: str) -> str:
    if scheme == "argon2id":
        return argon2id.hash(password)
    return generate_password_hash(password, scheme)


def _check(stored: str, password: str) -> bool:
    try:
        if stored.startswith("$argon2"):
            return argon2id.verify(stored, password)
        if stored.startswith(BCRYPT):
            return bcrypt.checkpw(password.encode()[:BCRYPT_READS], stored.encode())
        return check_password_hash(stored, password)
    except (ValueError, OverflowError, MemoryError, Argon2Error, InvalidHashError):
        return False  # it does not fit, or nobody here knows its format
