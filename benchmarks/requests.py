"""`make bench`: requests a second of the service, beside a bare ASGI application on the same
Hypercorn in the same run, one process each, the request log on. Ratios carry over to another
machine; absolute figures do not."""

import argparse
import asyncio
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from statistics import median

import asyncpg

from benchmarks.load import Result, measure
from service.config import TestingConfig
from service.database import embedded
from service.security.tokens import Tokens

ROOT = Path(__file__).parents[1]
USERS = 10_000
START_LIMIT = 30.0
ADMIN = 1


def main() -> int:
    """Prints the table; the exit code is 1 if any answer was not a 200."""
    arguments = parse_arguments()
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        database = stack.enter_context(embedded.start(folder / "postgres"))
        prepare(database.url)
        bare = stack.enter_context(running(folder / "bare.log", bare_command, {}))
        log = folder / "service.log"
        variables = {"FLASK_ENV": "testing", "DATABASE_URL": database.url}
        service = stack.enter_context(running(log, service_command, variables))
        tokens = Tokens(TestingConfig())
        token = tokens.sign(tokens.claims("access", ADMIN))
        cases = {
            "bare ASGI, constant JSON": (bare, "/", ""),
            "constant JSON": (service, "/health/live", ""),
            "health (SELECT 1)": (service, "/health", ""),
            "list of 20 users": (service, "/api/v1/users?limit=20", token),
        }
        results: dict[str, list[Result]] = {name: [] for name in cases}
        for _ in range(arguments.rounds):
            for name, (port, path, bearer) in cases.items():
                results[name].append(
                    measure(
                        port,
                        path,
                        bearer,
                        clients=arguments.clients,
                        seconds=arguments.seconds,
                    )
                )
    report(results)
    return int(any(result.failed for many in results.values() for result in many))


def parse_arguments() -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--clients", type=int, default=32, help="keep-alive connections")
    parser.add_argument("--seconds", type=float, default=3.0, help="length of one measurement")
    parser.add_argument("--rounds", type=int, default=3, help="measurements of each, interleaved")
    return parser.parse_args()


def prepare(url: str) -> None:
    """The schema, and users of whom the first is an administrator."""
    subprocess.run(
        [sys.executable, "-m", "alembic", "upgrade", "head"],
        cwd=ROOT,
        env={**os.environ, "DATABASE_URL": url},
        stderr=subprocess.DEVNULL,
        check=True,
    )

    async def fill() -> None:
        connection = await asyncpg.connect(url)
        await connection.execute(
            "INSERT INTO users (email, password_hash, role) "
            "SELECT 'user' || n || '@example.com', 'x', CASE n WHEN 1 THEN 'admin' ELSE 'user' END "
            f"FROM generate_series(1, {USERS}) AS n"
        )
        await connection.execute("ANALYZE users")
        await connection.close()

    asyncio.run(fill())


def bare_command(port: int) -> list[str]:
    """The bare application on Hypercorn with uvloop, one process."""
    bind = f"127.0.0.1:{port}"
    return ["-m", "hypercorn", "--bind", bind, "-k", "uvloop", "benchmarks.bare:app"]


def service_command(_port: int) -> list[str]:
    """The service as it is shipped, one process."""
    return ["-m", "service"]


@contextmanager
def running(
    log: Path, command: Callable[[int], list[str]], variables: dict[str, str]
) -> Iterator[int]:
    """Runs the server and yields its port once it accepts connections."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, *command(port)],
            cwd=ROOT,
            env={**os.environ, **variables, "PORT": str(port)},
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_LIMIT
        while not accepts(port):
            if process.poll() is not None or time.monotonic() > deadline:
                sys.exit(f"a server did not start:\n{log.read_text()}")
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(30)


def accepts(port: int) -> bool:
    """Whether something listens there."""
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def report(results: dict[str, list[Result]]) -> None:
    """Medians over the rounds, and each rate as a share of the bare application's."""
    print(f"{'':28}{'requests/s':>12}{'of bare':>10}{'p50 ms':>9}{'p99 ms':>9}{'failed':>8}")
    bare = median(result.rate for result in next(iter(results.values())))
    for name, many in results.items():
        rate = median(result.rate for result in many)
        print(
            f"{name:28}{rate:12,.0f}{rate / bare:10.0%}"
            f"{median(result.p50 for result in many):9.1f}"
            f"{median(result.p99 for result in many):9.1f}"
            f"{sum(result.failed for result in many):8}"
        )


if __name__ == "__main__":
    sys.exit(main())
