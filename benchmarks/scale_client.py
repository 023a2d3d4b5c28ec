"""Sends prepared requests over keep-alive connections: by `wrk` where there is one, or by a small
client of our own, which is slower and takes more of the core that PostgreSQL runs on."""

import asyncio
import math
import re
import shutil
import subprocess
import tempfile
import time
from collections.abc import Sequence
from itertools import cycle
from pathlib import Path
from statistics import quantiles

import msgspec

SCRIPT = Path(__file__).with_name("scale.lua")
LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)", re.IGNORECASE)
# Seconds until an answer counts as failed.
ANSWER_LIMIT = 10


class Answers(msgspec.Struct, frozen=True):
    """What came back. `p50`, `p99`: milliseconds. `failed`: answers with another status than the
    expected one, and connections that ended."""

    requests: int
    seconds: float
    p50: float
    p99: float
    failed: int


def send(
    port: int, requests: Sequence[bytes], expected: int, *, clients: int, seconds: float
) -> Answers:
    """What `clients` connections to 127.0.0.1:`port` got in `seconds`, each waiting for an answer
    before it asks again."""
    if has_wrk():
        return _by_wrk(port, requests, expected, clients, seconds)
    return asyncio.run(_by_python(port, requests, expected, clients, seconds))


def has_wrk() -> bool:
    """Whether the better client is on PATH."""
    return shutil.which("wrk") is not None


def _by_wrk(
    port: int, requests: Sequence[bytes], expected: int, clients: int, seconds: float
) -> Answers:
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0".join(requests))
        file.flush()
        done = subprocess.run(
            [
                *("wrk", "--threads", "1", "--connections", str(clients)),
                *("--duration", f"{math.ceil(seconds)}s", "--timeout", f"{ANSWER_LIMIT}s"),
                *("--script", str(SCRIPT), f"http://127.0.0.1:{port}/"),
                *("--", str(expected), file.name),
            ],
            capture_output=True,
            text=True,
            timeout=seconds + 3 * ANSWER_LIMIT,
            check=False,
        )
    if done.returncode:
        raise RuntimeError(f"wrk failed: {done.stderr.strip()}")
    return msgspec.json.decode(done.stdout.splitlines()[-1], type=Answers)


async def _by_python(
    port: int, requests: Sequence[bytes], expected: int, clients: int, seconds: float
) -> Answers:
    turn = cycle(requests)
    line = f"HTTP/1.1 {expected} ".encode()
    latencies: list[float] = []
    failed = 0
    started = time.perf_counter()

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        try:
            while (asked := time.perf_counter()) < started + seconds:
                async with asyncio.timeout(ANSWER_LIMIT):
                    writer.write(next(turn))
                    head = await reader.readuntil(b"\r\n\r\n")
                    length = LENGTH.search(head)
                    await reader.readexactly(int(length[1]) if length else 0)
                latencies.append((time.perf_counter() - asked) * 1000)
                failed += not head.startswith(line)
        finally:
            writer.close()

    for outcome in await asyncio.gather(
        *(client() for _ in range(clients)), return_exceptions=True
    ):
        if isinstance(outcome, OSError | EOFError | TimeoutError):
            failed += 1
        elif isinstance(outcome, BaseException):
            raise outcome
    took = time.perf_counter() - started
    cuts = quantiles(latencies, n=100) if len(latencies) > 1 else [math.nan] * 99
    return Answers(len(latencies), took, cuts[49], cuts[98], failed)
