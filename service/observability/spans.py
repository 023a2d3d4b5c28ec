"""What a trace is told of a request, whoever receives it."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol


@dataclass(frozen=True, slots=True)
class Received:
    """A request as it came; `headers` have lower-case names. `method` is one of HTTP's, or
    `_OTHER`."""

    method: str
    path: str
    scheme: str
    http_version: str
    client: str | None
    headers: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Answered:
    """What became of it. `route` is the pattern, like `/api/v1/users/{user_id}`; `status` is None
    when the client left before the answer."""

    route: str | None
    status: int | None
    user_id: int | None


class Span(Protocol):
    """The part of a trace that is one request."""

    @property
    def traceparent(self) -> str | None:
        """The span's own, in W3C's form; None to leave the one that came."""

    def answered(self, answer: Answered) -> None:
        """Notes what became of the request."""


Begin = Callable[[Received], AbstractContextManager[Span]]
"""Opens a span that lasts as long as the block."""
