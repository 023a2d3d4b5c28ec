"""A bundled load generator: keep-alive connections that each wait for one answer at a time.

It is weaker than `wrk`: written in Python, it can ask for some 10,000 answers a second at most, so
it is fit for comparing servers below that in one run, not for absolute figures.
"""

import asyncio
import re
import time
from dataclasses import dataclass
from statistics import quantiles

LENGTH = re.compile(rb"\r\ncontent-length: (\d+)", re.IGNORECASE)
ANSWER_LIMIT = 10.0


@dataclass(frozen=True)
class Result:
    """`rate`: answers a second. `p50`, `p99`: milliseconds. `failed`: answers that were not 200."""

    rate: float
    p50: float
    p99: float
    failed: int


def measure(port: int, path: str, token: str = "", *, clients: int, seconds: float) -> Result:
    """What `clients` connections to 127.0.0.1:`port` got in `seconds`."""
    return asyncio.run(_measure(port, path, token, clients, seconds))


async def _measure(port: int, path: str, token: str, clients: int, seconds: float) -> Result:
    headers = "".join([f"GET {path} HTTP/1.1\r\nHost: localhost\r\n", _authorization(token)])
    request = f"{headers}\r\n".encode()
    latencies: list[float] = []
    failed = 0
    deadline = time.perf_counter() + seconds

    async def client() -> None:
        nonlocal failed
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        while (started := time.perf_counter()) < deadline:
            async with asyncio.timeout(ANSWER_LIMIT):
                writer.write(request)
                head = await reader.readuntil(b"\r\n\r\n")
                length = LENGTH.search(head)
                await reader.readexactly(int(length[1]) if length else 0)
            latencies.append((time.perf_counter() - started) * 1000)
            failed += not head.startswith(b"HTTP/1.1 200")
        writer.close()

    started = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    cuts = quantiles(latencies, n=100)
    return Result(len(latencies) / (time.perf_counter() - started), cuts[49], cuts[98], failed)


def _authorization(token: str) -> str:
    return f"Authorization: Bearer {token}\r\n" if token else ""
