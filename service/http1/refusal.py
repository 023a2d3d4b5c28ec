"""What the server answers by itself, where no request reaches the application."""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from http import HTTPStatus

from hypercorn.events import Event

from service.http.middleware import REQUEST_ID
from service.http.problem import PROBLEM_JSON, problem_body
from service.http1.grammar import ID_LINE, REQUEST_LINE
from service.observability import logging, metrics


class Refused(Exception):  # noqa: N818 - what happens to the request
    """The request is not answered but refused. `head`: what has come of it."""

    def __init__(self, status: int, detail: str, head: bytes | bytearray = b"") -> None:
        super().__init__(detail)
        self.status = status
        self.detail = detail
        self.head = head


@dataclass(frozen=True)
class Refusal(Event):
    """An answer after which the connection ends. `is_noted`: by whom the request reached."""

    status: int
    detail: str
    request_id: str
    method: str | None = None
    path: str | None = None
    is_noted: bool = False

    def answer(self, headers: Iterable[tuple[bytes, bytes]]) -> bytes:
        """All of it, as it goes over the wire. `headers`: those of every answer, and the date."""
        body = problem_body(
            self.status, self.detail, request_id=self.request_id, instance=self.path
        )
        own = (
            (b"content-type", PROBLEM_JSON.encode()),
            (b"content-length", b"%d" % len(body)),
            (b"connection", b"close"),
            (b"x-request-id", self.request_id.encode()),
        )
        lines = b"".join(b"%s: %s\r\n" % each for each in (*own, *headers))
        phrase = HTTPStatus(self.status).phrase.encode()
        if self.method == "HEAD":
            body = b""
        return b"HTTP/1.1 %d %s\r\n%s\r\n%s" % (self.status, phrase, lines, body)

    def note(self, client: str | None, seconds: float) -> None:
        """Writes the line and the metrics of a request the application never saw."""
        logging.emit(
            logging.record(
                "INFO",
                "request",
                request_id=self.request_id,
                method=self.method,
                path=self.path,
                status=self.status,
                duration_ms=round(seconds * 1000, 1),
                route=None,
                client=client,
                reason=self.detail,
            )
        )
        metrics.observe(self.method or "other", None, self.status, seconds)


def refusal(refused: Refused) -> Refusal:
    """Says of the request what its head tells."""
    told = ID_LINE.search(refused.head)
    line = REQUEST_LINE.match(refused.head)
    return Refusal(
        refused.status,
        refused.detail,
        request_id(told[1].rstrip(b" \t") if told else b""),
        line[1].decode() if line else None,
        line[2].partition(b"?")[0].decode() if line else None,
    )


def request_id(said: bytes) -> str:
    """What the client calls its request, if it may; else a new one."""
    return said.decode() if REQUEST_ID.fullmatch(said) else os.urandom(16).hex()
