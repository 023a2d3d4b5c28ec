"""Load by `wrk` where there is one, or by a generator of our own.

Ours is weaker: written in Python, it can ask for some 10,000 answers a second at most and takes
that from the core PostgreSQL runs on, so it is fit for comparing servers below that in one run.
"""

import asyncio
import math
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from statistics import quantiles
from typing import Literal

import msgspec

LoaderName = Literal["wrk", "python"]

SCRIPT = Path(__file__).with_name("wrk.lua")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
ANSWER_LIMIT = 10
"""Seconds until an answer counts as failed."""


class Result(msgspec.Struct, frozen=True):
    """`requests`: answers. `p50`, `p99`: milliseconds. `failed`: answers that were not the expected
    ones, and connections that ended."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int

    @property
    def rate(self) -> float:
        """Answers a second."""
        return self.requests / self.seconds


@dataclass(frozen=True)
class Load:
    """One measurement: `clients` connections to 127.0.0.1:`port` send `requests` in turn, from the
    first again after the last, and wait for an answer before they ask again. `expected`: its
    status."""

    port: int
    requests: Sequence[bytes]
    expected: int
    clients: int
    seconds: float


def choose(name: LoaderName | None) -> LoaderName:
    """The loader asked for; without a wish, the best there is. Raises `FileNotFoundError`."""
    found = shutil.which("wrk")
    if name == "wrk" and not found:
        raise FileNotFoundError("wrk is not on PATH: install it, or say --loader python")
    return name or ("wrk" if found else "python")


def measure(loader: LoaderName, load: Load) -> Result:
    """What came of it."""
    return LOADERS[loader](load)


def by_wrk(load: Load) -> Result:
    """With wrk, one thread. It counts in whole seconds."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(load.requests))
        file.flush()
        command = [
            *("wrk", "--threads", "1", "--connections", str(load.clients)),
            *("--duration", f"{math.ceil(load.seconds)}s", "--timeout", f"{ANSWER_LIMIT}s"),
            *("--script", str(SCRIPT), f"http://127.0.0.1:{load.port}/"),
            *("--", str(load.expected), file.name),
        ]
        limit = load.seconds + 3 * ANSWER_LIMIT
        done = subprocess.run(command, capture_output=True, text=True, timeout=limit, check=False)
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr.strip()}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Result)


def by_python(load: Load) -> Result:
    """With the generator below."""
    return asyncio.run(_by_python(load))


LOADERS: dict[LoaderName, Callable[[Load], Result]] = {"wrk": by_wrk, "python": by_python}


async def _by_python(load: Load) -> Result:
    requests = cycle(load.requests)
    expected = f"HTTP/1.1 {load.expected} ".encode()
    latencies: list[float] = []
    failed = 0
    started = time.perf_counter()
    deadline = started + load.seconds

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", load.port)
        try:
            while (asked := time.perf_counter()) < deadline:
                async with asyncio.timeout(ANSWER_LIMIT):
                    writer.write(next(requests))
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = LENGTH.search(head)
                    await reader.readexactly(int(length[1]) if length else 0)
                latencies.append((time.perf_counter() - asked) * 1000)
                failed += not head.startswith(expected)
        finally:
            writer.close()

    clients = (client() for _ in range(load.clients))
    for outcome in await asyncio.gather(*clients, return_exceptions=True):
        if isinstance(outcome, OSError | EOFError | TimeoutError):
            failed += 1
        elif isinstance(outcome, BaseException):
            raise outcome
    seconds = time.perf_counter() - started
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else [math.nan] * 99
    return Result(len(latencies), seconds, cuts[49], cuts[98], failed)
