"""A service's log of any size, the same bytes for the same seed: `python -m benchmarks.logs.data`.

Lines of the contract's shape, 283 bytes on average: 20 routes with latencies of their own, 1 %
errors of which every third carries an exception with its frames, and now and then a line that is
no request. The busiest hour has four times the requests of the quietest.
"""

import argparse
import json
import math
import random
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, NamedTuple

SEED = 7
STARTED = datetime(2026, 1, 15, tzinfo=UTC).timestamp()
LINES_A_SECOND = 46.0
CHUNK_LINES = 4_000
# So many different ids, users and durations a route: enough that nothing repeats in a pattern.
VARIETY = 4_096
# No line is longer, so `write` ends less than this before the size it is given.
LONGEST = 2_000


class Route(NamedTuple):
    """`share` of all requests; the `median` duration in milliseconds."""

    share: int
    method: str
    pattern: str
    status: int
    median: float


ROUTES = (
    Route(22, "GET", "/api/v1/users/{user_id}", 200, 12),
    Route(14, "GET", "/api/v1/users", 200, 34),
    Route(10, "POST", "/api/v1/auth/login", 200, 95),
    Route(8, "POST", "/api/v1/auth/refresh", 200, 9),
    Route(6, "GET", "/api/v1/orders", 200, 48),
    Route(6, "GET", "/api/v1/orders/{order_id}", 200, 15),
    Route(5, "POST", "/api/v1/orders", 201, 72),
    Route(4, "GET", "/health", 200, 2),
    Route(4, "GET", "/metrics", 200, 4),
    Route(3, "POST", "/api/v1/users", 201, 110),
    Route(3, "PATCH", "/api/v1/users/{user_id}", 200, 28),
    Route(3, "DELETE", "/api/v1/users/{user_id}", 204, 22),
    Route(2, "GET", "/api/v1/products", 200, 40),
    Route(2, "GET", "/api/v1/products/{product_id}", 200, 11),
    Route(2, "PUT", "/api/v1/products/{product_id}", 200, 36),
    Route(2, "GET", "/api/v1/search", 200, 160),
    Route(1, "POST", "/api/v1/exports", 202, 18),
    Route(1, "GET", "/api/v1/exports/{export_id}", 200, 420),
    Route(1, "POST", "/api/v1/auth/logout", 204, 7),
    Route(1, "GET", "/api/v1/reports/{report_id}", 200, 900),
)
EXCEPTIONS = (
    ("sqlalchemy.exc.TimeoutError", "QueuePool limit of size 20 overflow 10 reached"),
    ("asyncpg.exceptions.DeadlockDetectedError", "deadlock detected"),
    ("ConnectionResetError", "[Errno 104] connection reset by peer"),
    ("KeyError", "'tenant'"),
    ("ValueError", "naïve datetime in the “since” of a report"),
)
QUIET = (
    ("INFO", "service.server", "connection closed by the client"),
    ("INFO", "service.database.pool", "connection opened"),
    ("DEBUG", "service.auth.tokens", "key reread"),
    ("WARNING", "service.database.pool", "waited 1.2 s for a connection"),
)


def lines(seed: int = SEED) -> Iterator[list[str]]:
    """Batches of CHUNK_LINES lines without their newline, for ever, ordered by time."""
    chance = random.Random(seed)
    makers = [_Requests(route, chance) for route in ROUTES]
    shares = [route.share for route in ROUTES]
    pick = chance.random
    at, second, prefix = STARTED, -1, ""
    while True:
        batch = []
        hour = (at - STARTED) / 3600 % 24
        gap = 2 / (LINES_A_SECOND * (1 - 0.6 * math.cos(hour * math.pi / 12)))
        for requests in chance.choices(makers, shares, k=CHUNK_LINES):
            at += gap * pick()
            if int(at) != second:
                second = int(at)
                moment = datetime.fromtimestamp(second, UTC)
                prefix = moment.strftime('{"timestamp":"%Y-%m-%dT%H:%M:%S.')
            stamp = f'{prefix}{int(at % 1 * 1000):03d}Z","level":"'
            batch.append(stamp + (requests.line(pick()) if pick() > 0.015 else _other(pick())))
        yield batch


class _Requests:
    """The lines of one route, after the level's opening quote."""

    def __init__(self, route: Route, chance: random.Random) -> None:
        self._route = route
        self._chance = chance
        self._ids = [f"{chance.getrandbits(128):032x}" for _ in range(VARIETY)]
        self._durations = [
            f"{route.median * chance.lognormvariate(0, 0.7):.1f}" for _ in range(VARIETY)
        ]
        self._at = 0

    def line(self, dice: float) -> str:
        route = self._route
        self._at = at = (self._at + 1 + int(dice * 7)) % VARIETY
        user = int(dice * 1e7) % 9973
        level, status, duration, more = "INFO", route.status, self._durations[at], ""
        if dice < 0.01:
            level, status = "ERROR", (500, 500, 503)[user % 3]
            duration = f"{float(duration) * (1 + dice * 2000):.1f}"
            more = _exception(route, user) if user % 3 == 0 else ""
        elif dice < 0.05:
            level, status = "WARNING", (400, 401, 404, 409, 422, 429)[user % 6]
        path = route.pattern
        if "{" in path:
            path = f"{path[: path.index('{')]}{user}"
        return (
            f'{level}","event":"request","request_id":"{self._ids[at ^ user % 16]}",'
            f'"method":"{route.method}","path":"{path}","status":{status},'
            f'"duration_ms":{duration},"user_id":{user if user % 5 else "null"},'
            f'"route":"{route.pattern}","client":"10.20.{user % 7}.{at % 251}",'
            f'"instance":"web{1 + at % 3}","pid":{4100 + at % 3}{more}}}'
        )


def _exception(route: Route, user: int) -> str:
    kind, message = EXCEPTIONS[user % len(EXCEPTIONS)]
    resource = route.pattern.split("/")[-1].strip("{}")
    frames = ",".join(
        f'"{frame}"'
        for frame in (
            "/srv/app/.venv/lib/python3.12/site-packages/quart/app.py:1532 dispatch_request",
            f"/srv/app/service/{resource}/routes.py:{20 + user % 3} {route.method.lower()}",
            f"/srv/app/service/{resource}/queries.py:{41 + user % 4} find",
            "/srv/app/.venv/lib/python3.12/site-packages/sqlalchemy/pool/base.py:1301 _checkout",
        )
    )
    return f',"exception":{{"type":"{kind}","message":"{message}","frames":[{frames}]}}'


def _other(dice: float) -> str:
    level, logger, event = QUIET[int(dice * len(QUIET))]
    return (
        f'{level}","event":"{event}","request_id":null,"method":null,"path":null,"status":null,'
        f'"duration_ms":null,"user_id":null,"logger":"{logger}","instance":"web1","pid":4100}}'
    )


def write(file: BinaryIO, size: int, seed: int = SEED) -> int:
    """Writes whole lines until `size` bytes are reached; returns how many lines."""
    written = count = 0
    for batch in lines(seed):
        block = ("\n".join(batch) + "\n").encode()
        if written + len(block) > size:
            block = block[: block.rfind(b"\n", 0, max(size - written, 0)) + 1]
        file.write(block)
        written += len(block)
        count += block.count(b"\n")
        if len(block) < 2 or written + LONGEST > size:
            return count
    raise AssertionError("the lines never end")


def newest(event: str, level: str = "INFO") -> bytes:
    """A request's line of this moment, with its newline; viewers show `event` or `message`."""
    moment = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    fields: dict[str, object]
    fields = {"timestamp": moment, "level": level, "event": event, "request_id": "f" * 32}
    fields |= {"method": "GET", "path": "/api/v1/users/4711", "status": 200, "duration_ms": 12.5}
    fields |= {"user_id": 4711, "route": "/api/v1/users/{user_id}", "message": event}
    return json.dumps(fields, separators=(",", ":")).encode() + b"\n"


def main() -> None:
    """Writes a file and says how many lines it has."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.logs.data", description=__doc__)
    parser.add_argument("path", type=Path)
    parser.add_argument("--megabytes", type=float, default=1000.0, help="1000 (1 GB)")
    parser.add_argument("--seed", type=int, default=SEED)
    options = parser.parse_args()
    begin = time.perf_counter()
    with options.path.open("wb") as file:
        count = write(file, int(options.megabytes * 1e6), options.seed)
    print(f"{options.path}: {count:,} lines in {time.perf_counter() - begin:.1f} s")


if __name__ == "__main__":
    main()
