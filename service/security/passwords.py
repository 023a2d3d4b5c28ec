"""Password hashes in Werkzeug's format, made and checked where they cannot block the event loop."""

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from werkzeug.security import check_password_hash, generate_password_hash

T = TypeVar("T")

# scrypt at N=32768, r=8 takes 32 MB while it runs: this bounds the memory, not only the CPU.
CONCURRENCY = max(2, min(4, os.cpu_count() or 2))


class Passwords:
    """Hashes by `scheme` (Werkzeug's notation) in a few threads of its own."""

    def __init__(self, scheme: str) -> None:
        self._scheme = scheme
        self._threads = ThreadPoolExecutor(CONCURRENCY, thread_name_prefix="passwords")
        # Checked when no such user exists, so that the time of the answer does not tell.
        self._nobody = generate_password_hash("nobody", scheme)

    async def hash(self, password: str) -> str:
        """The hash to store."""
        return await self._run(generate_password_hash, password, self._scheme)

    async def verify(self, stored: str | None, password: str) -> bool:
        """Whether the password fits the stored hash; None, for no such user, costs as much."""
        matches = await self._run(_check, self._nobody if stored is None else stored, password)
        return matches and stored is not None

    async def _run(self, work: Callable[[str, str], T], first: str, second: str) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, work, first, second)

    def close(self) -> None:
        """Ends the threads once their work is done."""
        self._threads.shutdown(wait=False)


def _check(stored: str, password: str) -> bool:
    try:
        return check_password_hash(stored, password)
    except ValueError:  # a hash in a format nobody here knows is a hash nothing fits
        return False
