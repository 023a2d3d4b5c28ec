"""One question to a health URL, answered within the time limit whatever happens."""

import asyncio
import socket
import ssl
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from uuid import uuid4

import msgspec

if TYPE_CHECKING:
    import httpx

# httpx is imported by those who ask: a console that only reads a log starts without it.
# ruff: noqa: PLC0415

__all__ = ["OWN_REQUEST", "TIME_LIMIT", "Poll", "client", "probe"]

TIME_LIMIT = 2.0
OWN_REQUEST = "opsconsole-"
"""How the request ids of the polls begin, so that a service's log tells whose they were."""
_BODY_LIMIT = 64 * 1024
_GOOD_WORDS = frozenset({"healthy", "ok", "up", "pass", "passing", "alive", "ready", "green"})


@dataclass(frozen=True, slots=True)
class Poll:
    """One answer. `at` is in seconds since the epoch, `latency` in milliseconds.

    `reason` says why an instance is not healthy; `database` is what its body says about it.
    """

    at: float
    latency: float
    healthy: bool
    answered: bool
    database: str = ""
    reason: str = ""


def client() -> "httpx.AsyncClient":
    """Return a client that asks directly: a proxy's opinion of an instance is not wanted."""
    import httpx

    return httpx.AsyncClient(
        trust_env=False,
        verify=ssl.create_default_context(),
        headers={
            "user-agent": "opsconsole",
            "accept": "application/json",
            "accept-encoding": "identity",
        },
        limits=httpx.Limits(max_connections=None, max_keepalive_connections=None),
        timeout=None,  # noqa: S113 — the whole poll has one limit, in probe()
    )


async def probe(http: "httpx.AsyncClient", url: str) -> Poll:
    """Ask `url` once, for at most TIME_LIMIT seconds; every failure is a Poll, too."""
    import httpx

    at, begin = time.time(), time.perf_counter()
    status, body, reason = 0, b"", ""
    own = {"x-request-id": f"{OWN_REQUEST}{uuid4().hex}"}
    try:
        async with asyncio.timeout(TIME_LIMIT), http.stream("GET", url, headers=own) as response:
            status = response.status_code
            async for chunk in response.aiter_raw():
                body += chunk
                if len(body) > _BODY_LIMIT:
                    break
    except TimeoutError:
        reason = f"no answer in {TIME_LIMIT:.0f} s"
    except (httpx.HTTPError, httpx.InvalidURL, OSError, ValueError) as error:
        reason = _describe(error)
    latency = (time.perf_counter() - begin) * 1000
    if reason:
        return Poll(at, latency, healthy=False, answered=False, reason=reason)
    database, problem = _judge(status, body)
    return Poll(at, latency, healthy=not problem, answered=True, database=database, reason=problem)


def _judge(status: int, body: bytes) -> tuple[str, str]:
    """Return what a body says about the database, and what is wrong ("" when nothing is)."""
    try:
        found: Any = msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        found = None
    fields: dict[str, Any] = found if isinstance(found, dict) else {}
    database, word = fields.get("database"), fields.get("status")
    said_bad = isinstance(word, str) and word.lower() not in _GOOD_WORDS
    problem = ""
    if not 200 <= status < 300 or said_bad:
        told = (fields.get(key) for key in ("error", "detail", "message", "reason"))
        fallback = str(word) if 200 <= status < 300 else f"HTTP {status}"
        problem = next((text for text in told if isinstance(text, str) and text), fallback)
    return (database if isinstance(database, str) else ""), problem


def _kinds() -> tuple[tuple[type[Exception], str], ...]:
    """Return what is looked for among all causes of a failure, the most telling first."""
    import httpx

    return (
        (socket.gaierror, "host name not found"),
        (ssl.SSLCertVerificationError, "certificate not trusted"),
        (ssl.SSLError, "TLS failed"),
        (ConnectionRefusedError, "connection refused"),
        (httpx.RemoteProtocolError, "not an HTTP answer"),
        (httpx.ReadError, "connection broken"),
    )


def _describe(error: Exception) -> str:
    """Name a failure in an operator's words."""
    causes: list[BaseException] = []
    pending: list[BaseException | None] = [error]
    while pending:
        cause = pending.pop(0)
        if cause is not None and cause not in causes:
            causes.append(cause)
            pending += [*getattr(cause, "exceptions", ()), cause.__cause__, cause.__context__]
    for kind, words in _kinds():
        if any(isinstance(cause, kind) for cause in causes):
            return words
    for cause in causes:
        if isinstance(cause, OSError) and cause.strerror:
            return cause.strerror.lower()
    return str(error) or type(error).__name__
