"""Rate limits, counted where Flask-Limiter counts them: one store for all processes of both.

While the store cannot be asked, reads go on without a limit; routes that are `strict` (login above
all) are refused, because there the limit is what protects the passwords.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from math import ceil
from typing import Any, TypeVar
from urllib.parse import urlsplit

import structlog
from limits import RateLimitItem, parse_many
from limits.aio import strategies
from limits.aio.storage import MemoryStorage, RedisStorage, Storage
from limits.aio.strategies import RateLimiter as RateLimiterStrategy
from limits.errors import StorageError
from quart import request

from service.config import Config
from service.http.application import application
from service.http.credentials import presented
from service.http.exchange import current_exchange
from service.http.operation import Operation, operation_of
from service.http.problem import Problem
from service.observability import metrics
from service.patience import finishes

# How long a request waits for the store, and how long the store is then left alone, in seconds.
STORE_LIMIT = 0.5
PAUSE = 1.0
CONNECTIONS = 50
# Of a connection nobody waits for any more, in seconds.
CONNECT_LIMIT = 5.0

STRATEGIES: Mapping[str, Callable[[Storage], RateLimiterStrategy]] = {
    "fixed-window": strategies.FixedWindowRateLimiter,
    "moving-window": strategies.MovingWindowRateLimiter,
    "sliding-window-counter": strategies.SlidingWindowCounterRateLimiter,
}

T = TypeVar("T")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Count:
    """Where a client stands. `reset`: when the window ends, in seconds since the epoch."""

    allowed: bool
    limit: int
    remaining: int
    reset: float


class StoreUnavailable(Exception):  # noqa: N818 - the state of the store
    """Requests cannot be counted now."""


class RateLimiter:
    """Counts requests in the store that the configuration names; `close` it at the end."""

    def __init__(self, settings: Config) -> None:
        self.settings = settings
        storage, self.close = _open(settings.RATELIMIT_STORAGE_URI)
        self._strategy = STRATEGIES[settings.RATELIMIT_STRATEGY](storage)
        self._prefix = [settings.RATELIMIT_KEY_PREFIX] if settings.RATELIMIT_KEY_PREFIX else []
        self._turns = asyncio.Semaphore(CONNECTIONS)
        self._away_until = 0.0
        self._is_away = False
        metrics.rate_limit_store_up.set(1)

    async def count(self, items: Sequence[RateLimitItem], *scope: str) -> Count:
        """Counts one request against each of the limits, the shortest first, up to one that is used
        up; the answer is about that one, or about the tightest. Raises `StoreUnavailable`."""
        # Waiting for one's turn is no sign of a store that does not answer: a burst is enough.
        async with self._turns:
            if time.monotonic() < self._away_until:
                raise StoreUnavailable
            try:
                counts = await _in_time(self._count_all(items, *self._prefix, *scope))
            except (StorageError, OSError, TimeoutError) as error:
                self._lost(error)
                raise StoreUnavailable from error
        if self._is_away:
            self._is_away = False
            metrics.rate_limit_store_up.set(1)
            log.warning("rate limit store answers again")
        return min(counts, key=lambda count: (count.allowed, count.remaining))

    async def _count_all(self, items: Sequence[RateLimitItem], *scope: str) -> list[Count]:
        counts = []
        for item in items:
            counts.append(await self._count(item, *scope))
            if not counts[-1].allowed:
                break
        return counts

    async def _count(self, item: RateLimitItem, *scope: str) -> Count:
        allowed = await self._strategy.hit(item, *scope)
        reset, remaining = await self._strategy.get_window_stats(item, *scope)
        return Count(allowed, item.amount, remaining, reset)

    def _lost(self, error: Exception) -> None:
        self._away_until = time.monotonic() + PAUSE
        metrics.rate_limit_store_up.set(0)
        if not self._is_away:
            self._is_away = True
            log.error(
                "rate limit store unavailable: reads are not limited, logins are refused",
                reason=type(getattr(error, "storage_error", error)).__name__,
            )


async def _in_time(work: Coroutine[Any, Any, T]) -> T:
    """The outcome, within `STORE_LIMIT` of turns. Raises `TimeoutError`."""
    task = asyncio.create_task(work)
    try:
        if not await finishes(task, STORE_LIMIT):
            raise TimeoutError
        return task.result()
    finally:
        task.cancel()


Close = Callable[[], Awaitable[None]]


async def _nothing_to_close() -> None:
    return


def _open(uri: str) -> tuple[Storage, Close]:
    if urlsplit(uri).scheme == "memory":
        return MemoryStorage(), _nothing_to_close
    # Imported where it is used: it takes a tenth of a second and 8 MB.
    from redis.asyncio import BlockingConnectionPool  # noqa: PLC0415

    scheme, _, address = uri.partition("://")
    scheme = scheme.replace("valkey", "redis")  # the same protocol: one client is enough
    pool = BlockingConnectionPool.from_url(
        f"{scheme.removeprefix('redis+')}://{address}",
        max_connections=CONNECTIONS,
        socket_connect_timeout=CONNECT_LIMIT,
    )
    storage = RedisStorage(
        f"async+{scheme}://{address}",
        wrap_exceptions=True,
        implementation="redispy",
        connection_pool=pool,  # type: ignore[arg-type]
    )
    return storage, pool.aclose


@cache
def _items(text: str) -> list[RateLimitItem]:
    return sorted(parse_many(text))


async def enforce() -> None:
    """Counts the request against its route's limit, before the route is entered. Raises `Problem`
    429 or 503."""
    limiter = application().limiter
    rule = request.url_rule
    if not limiter.settings.RATELIMIT_ENABLED or rule is None or request.method == "OPTIONS":
        return
    view = application().view_functions[rule.endpoint]
    operation = operation_of(view) or Operation(returns={})
    text = getattr(limiter.settings, operation.limit or "RATELIMIT_DEFAULT")
    if operation.exempt or not text:
        return
    try:
        count = await limiter.count(_items(text), _who(operation), rule.endpoint)
    except StoreUnavailable:
        metrics.rate_limit_store_failures.inc()
        if operation.strict:
            raise Problem(
                503,
                "Requests to this address cannot be counted now; try again shortly.",
                headers={"Retry-After": "1"},
            ) from None
        return
    if limiter.settings.RATELIMIT_HEADERS_ENABLED:
        current_exchange.get().headers += _headers(count)
    if not count.allowed:
        wait = max(1, ceil(count.reset - time.time()))
        raise Problem(
            429,
            f"Too many requests: {count.limit} are allowed; try again in {wait} s.",
            headers={"Retry-After": str(wait)},
        )


def _headers(count: Count) -> list[tuple[bytes, bytes]]:
    values = {
        b"x-ratelimit-limit": count.limit,
        b"x-ratelimit-remaining": max(0, count.remaining),
        b"x-ratelimit-reset": ceil(count.reset),
    }
    return [(name, str(value).encode()) for name, value in values.items()]


def _who(operation: Operation) -> str:
    """Whose requests are counted together: a user's by their token, anybody else's by address."""
    if operation.limit is None:
        user_id = _user()
        if user_id is not None:
            return f"user:{user_id}"
    return request.remote_addr or "unix"


def _user() -> int | None:
    """The user a token names, whose signature is good; whether it is revoked is asked later."""
    try:
        return presented("any").user_id
    except Problem:
        return None
