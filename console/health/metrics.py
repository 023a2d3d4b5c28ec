"""The few of a service's Prometheus samples that the overview shows, where it has them."""

import asyncio
import math
import re
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING
from urllib.parse import urlsplit, urlunsplit
from uuid import uuid4

from console.health.probe import OWN_REQUEST, TIME_LIMIT

if TYPE_CHECKING:
    import httpx

__all__ = ["BODY_LIMIT", "Figures", "fetch", "metrics_url", "parse"]

BODY_LIMIT = 2 * 1024 * 1024
"""Bytes of an answer that are read: what is said after them is not known."""

_SAMPLE = re.compile(r"(?P<name>[a-z_]{1,64})(?:\{(?P<labels>[^}]{0,256})\})? (?P<value>\S{1,32})")
_STATE = re.compile(r'(?:^|,)state="([a-z_]{1,32})"')


@dataclass(slots=True)
class Figures:
    """Samples by the names the service gives them; None for what it does not tell."""

    database_pool_connections_in_use: float | None = None
    database_pool_max_connections: float | None = None
    database_pool_waiting: float | None = None
    backup_verified_timestamp_seconds: float | None = None
    backup_attempted_timestamp_seconds: float | None = None
    backup_last_attempt_success: float | None = None
    backup_size_bytes: float | None = None


_NAMES = frozenset(field.name for field in fields(Figures))


def metrics_url(health: str) -> str:
    """`/metrics` beside the `/health` of an instance."""
    parts = urlsplit(health)
    before, found, _ = parts.path.rpartition("/health")
    path = f"{before if found else ''}/metrics"
    return urlunsplit((parts.scheme, parts.netloc, path, "", ""))


async def fetch(http: "httpx.AsyncClient", url: str) -> Figures | None:
    """Ask once, for at most TIME_LIMIT seconds; None when there is no answer."""
    import httpx  # noqa: PLC0415  # as in probe.py

    own = {"x-request-id": f"{OWN_REQUEST}{uuid4().hex}", "accept": "text/plain"}
    body = bytearray()
    try:
        async with asyncio.timeout(TIME_LIMIT), http.stream("GET", url, headers=own) as response:
            if response.status_code != 200:
                return Figures()
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > BODY_LIMIT:
                    break
    except (TimeoutError, httpx.HTTPError, httpx.InvalidURL, OSError, ValueError):
        return None
    # Other metrics can be many, and the event loop has keys to answer.
    return await asyncio.to_thread(parse, bytes(body[:BODY_LIMIT]))


def parse(body: bytes) -> Figures:
    """Read Prometheus's text format; whatever is not understood is passed over."""
    found = Figures()
    for line in body.splitlines():
        if not line.startswith((b"database_pool_", b"backup_")):
            continue
        sample = _SAMPLE.match(line[:512].decode("ascii", "replace"))
        if sample is None:
            continue
        name = sample["name"]
        if state := _STATE.search(sample["labels"] or ""):
            name = f"{name}_{state[1]}"
        value = _number(sample["value"])
        if name in _NAMES and value is not None:
            setattr(found, name, value)
    return found


def _number(text: str) -> float | None:
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0 <= value < 1e15 else None
