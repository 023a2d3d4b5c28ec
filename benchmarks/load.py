"""Load by `wrk` where there is one, or by a generator of our own.

Ours is weaker: written in Python, it can ask for some 10,000 answers a second at most and takes
that from the core PostgreSQL runs on, so it is fit for comparing servers below that in one run.
"""

import asyncio
import json
import math
import re
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from statistics import quantiles
from typing import Any, Literal
from uuid import uuid4

import msgspec

from benchmarks.cases import Case, new_user

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
    """One measurement: `clients` connections to 127.0.0.1:`port` that each wait for an answer
    before they ask again."""

    port: int
    case: Case
    token: str
    clients: int
    seconds: float

    def headers(self) -> dict[str, str]:
        """Those every request carries."""
        return {"Authorization": f"Bearer {self.token}"} if self.case.by_admin else {}


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
    headers = [part for each in load.headers().items() for part in ("-H", ": ".join(each))]
    command = [
        *("wrk", "--threads", "1", "--connections", str(load.clients)),
        *("--duration", f"{math.ceil(load.seconds)}s", "--timeout", f"{ANSWER_LIMIT}s"),
        *("--script", str(SCRIPT), *headers, f"http://127.0.0.1:{load.port}{load.case.path}"),
        *("--", str(load.case.expected), *([_prefix()] if load.case.creates else [])),
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


def _prefix() -> str:
    return f"{uuid4().hex[:12]}-"


async def _by_python(load: Load) -> Result:
    requests = _requests(load)
    expected = f"HTTP/1.1 {load.case.expected} ".encode()
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


def _requests(load: Load) -> Iterator[bytes]:
    lines = [f"{load.case.method} {load.case.path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [": ".join(each) for each in load.headers().items()]
    prefix = _prefix()
    for number in count():
        if load.case.creates:
            yield _with_body(lines, new_user(f"{prefix}{number}@example.com"))
        else:
            yield "\r\n".join([*lines, "", ""]).encode()


def _with_body(lines: list[str], content: Any) -> bytes:
    body = json.dumps(content)
    more = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    return "\r\n".join([*lines, *more, "", body]).encode()
