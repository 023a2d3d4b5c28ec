"""The running service as its clients see it: one request on a connection of its own."""

from __future__ import annotations

import asyncio
import http.client
import socket
import ssl
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit
from uuid import uuid4

from service.checks.line import Unknowable

REQUEST_LIMIT = 5.0
BODY_LIMIT = 256 * 1024

REDIRECTS = frozenset({301, 302, 307, 308})
LIVE = "/health/live"
NOWHERE = "/nowhere/%3Cscript%3Ealert(1)%3C/script%3E"
"""A page there is not: whoever repeats its name as HTML shows it here."""


class Unreachable(Unknowable):
    """Nobody answers there. `reason` says why."""

    def __init__(self, url: str, reason: str, remedy: str) -> None:
        super().__init__(f"{url} does not answer: {reason}", remedy)
        self.reason = reason


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer; header names are in lower case. `sent`, `received`: this machine's clock."""

    status: int
    headers: Sequence[tuple[str, str]]
    body: bytes
    sent: float
    received: float

    def values(self, name: str) -> list[str]:
        """The header's values, in the order they came."""
        return [value for each, value in self.headers if each == name]

    def value(self, name: str) -> str | None:
        """The header's first value."""
        return next(iter(self.values(name)), None)


class Site:
    """A place where the service answers: straight, or through its proxy."""

    def __init__(self, url: str, *, remedy: str, trust: ssl.SSLContext | None = None) -> None:
        self.url = url.rstrip("/")
        self.parts: SplitResult = urlsplit(self.url)
        self._remedy = remedy
        self._trust = trust or unverified()
        self._asked: dict[str, asyncio.Task[Answer]] = {}

    async def get(self, path: str) -> Answer:
        """The answer to a plain GET, asked for once however many checks look at it.

        Raises `Unreachable`, or `Unknowable` when somebody else than the service answers.
        """
        if path not in self._asked:
            self._asked[path] = asyncio.ensure_future(self.ask("GET", path))
        return await asyncio.shield(self._asked[path])

    async def ask(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """The answer to this very request. Raises as `get` does."""
        request_id = f"check-{uuid4().hex}"
        answer = await self.ask_anybody(
            method, path, {"X-Request-ID": request_id, **(headers or {})}, body
        )
        # The service returns the id; a proxy that answers for it, or another site, does not.
        if request_id not in answer.values("x-request-id"):
            raise Unknowable(
                f"{self.url} answers {answer.status}, but not from this service", self._remedy
            )
        return answer

    async def ask_anybody(
        self,
        method: str,
        path: str,
        headers: Mapping[str, str] | None = None,
        body: bytes | None = None,
    ) -> Answer:
        """As `ask`, whoever answers. Raises `Unreachable`."""
        try:
            async with asyncio.timeout(REQUEST_LIMIT):
                return await asyncio.to_thread(self._exchange, method, path, headers or {}, body)
        except (OSError, http.client.HTTPException, ValueError) as error:
            raise Unreachable(self.url, reason(error), self._remedy) from None

    def _exchange(
        self, method: str, path: str, headers: Mapping[str, str], body: bytes | None
    ) -> Answer:
        connection = self._connection()
        try:
            sent = time.time()
            connection.request(
                method, self.parts.path + path, body, {"Connection": "close", **headers}
            )
            response = connection.getresponse()
            received = time.time()
            return Answer(
                response.status,
                [(name.lower(), value) for name, value in response.getheaders()],
                response.read(BODY_LIMIT),
                sent,
                received,
            )
        finally:
            connection.close()

    def _connection(self) -> http.client.HTTPConnection:
        host, port = self.parts.hostname or "", self.parts.port
        if self.parts.scheme == "https":
            return http.client.HTTPSConnection(
                host, port, timeout=REQUEST_LIMIT, context=self._trust
            )
        return http.client.HTTPConnection(host, port, timeout=REQUEST_LIMIT)


def unverified() -> ssl.SSLContext:
    """Whether the certificate is good is the business of one line; the others look past it, and
    send nothing that is secret."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


REASONS: tuple[tuple[type[BaseException], str], ...] = (
    (TimeoutError, "no answer in time"),
    (ConnectionRefusedError, "connection refused"),
    (socket.gaierror, "the name is not known"),
)


def reason(error: BaseException) -> str:
    """Why nobody answers, in a few words."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return getattr(error, "verify_message", "the certificate is not good")
    if isinstance(error, ssl.SSLError):
        return f"TLS failed ({getattr(error, 'reason', None) or type(error).__name__})"
    for kind, words in REASONS:
        if isinstance(error, kind):
            return words
    return getattr(error, "strerror", None) or f"no HTTP ({type(error).__name__})"
