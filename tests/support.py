"""What tests of every folder use: databases, processes, ports, and waiting for a condition."""

import asyncio
import os
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import pytest

ROOT = Path(__file__).parents[1]


def in_database(url: str, name: str) -> str:
    """The URL with another database in it."""
    parts = urlsplit(url)
    # urlunsplit drops the // before an empty host.
    return urlunsplit(parts._replace(netloc=parts.netloc or "postgres@", path=f"/{name}"))


def database_name(url: str) -> str:
    """The database the URL names."""
    return urlsplit(url).path[1:]


def execute(url: str, *statements: str) -> None:
    """Runs the statements, each in a transaction of its own."""

    async def run() -> None:
        connection = await asyncpg.connect(url, timeout=10)
        try:
            for statement in statements:
                await connection.execute(statement, timeout=30)
        finally:
            await connection.close(timeout=10)

    asyncio.run(run())


def environment(**more: str) -> dict[str, str]:
    """This process's environment without what would configure the service, and `more`."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "VIRTUAL_ENV", "TERM")
    return {name: os.environ[name] for name in kept if name in os.environ} | more


def alembic(url: str, *arguments: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Alembic's command line, with nothing but the database's URL and the variables given."""
    return subprocess.run(
        [sys.executable, "-m", "alembic", *arguments],
        cwd=ROOT,
        env=environment(DATABASE_URL=url, **variables),
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def free_port() -> int:
    """A port nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait_until(condition: Callable[[], Any], what: str, limit: float = 10.0) -> Any:
    """The condition's value once it is true; past `limit` seconds the test fails, naming `what`."""
    deadline = time.monotonic() + limit
    while not (value := condition()):
        if time.monotonic() > deadline:
            pytest.fail(f"{what}: not within {limit:g} s")
        time.sleep(0.02)
    return value


@contextmanager
def silent_port() -> Iterator[int]:
    """A port that accepts connections and says nothing."""
    held: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as server:

        def accept() -> None:
            while True:
                try:
                    held.append(server.accept()[0])
                except OSError:
                    return

        thread = threading.Thread(target=accept)
        thread.start()
        yield server.getsockname()[1]
        server.shutdown(socket.SHUT_RDWR)
        thread.join()
        for each in held:
            each.close()
