"""How an answer is framed, as RFC 9112 (6.3) has it, and whether its connection can go on."""

import time
from collections.abc import Iterable
from email.utils import formatdate
from functools import lru_cache
from http import HTTPStatus

Header = tuple[bytes, bytes]

STATUS_LINES = {
    each.value: b"HTTP/1.1 %d %s\r\n" % (each.value, each.phrase.encode()) for each in HTTPStatus
}
# Statuses without a body, whatever the fields say.
EMPTY = frozenset({204, 304})
# What says where the answer ends, or that it is the last: said here, of what the application says.
FRAMING = frozenset({b"connection", b"content-length", b"transfer-encoding"})
LAST_CHUNK = b"0\r\n\r\n"


class Unframed(Exception):  # noqa: N818 - what the application has made
    """The application's answer cannot be sent: the message says why."""


class Answer:
    """One answer, made into bytes. `persists`: the connection can be used again after it."""

    def __init__(self, method: str, version: str, *, persists: bool) -> None:
        self.persists = persists
        self.ended = False
        self._method = method
        self._version = version
        self._left: int | None = None  # of its Content-Length
        self._chunked = False

    def head(self, status: int, headers: Iterable[Header]) -> bytes:
        """The status line and the fields. Raises `Unframed`."""
        lines = [STATUS_LINES.get(status) or b"HTTP/1.1 %d \r\n" % status]
        length: bytes | None = None
        for name, value in headers:
            lower = name.lower()
            if lower not in FRAMING:
                lines.append(b"%s: %s\r\n" % (name, value))
            elif lower == b"content-length":
                length = value
            elif lower == b"connection" and b"close" in value.lower():
                self.persists = False
        if framing := self._frame(status, length):
            lines.append(framing)
        if not self.persists:
            lines.append(b"connection: close\r\n")
        lines.append(b"\r\n")
        head = b"".join(lines)
        # A line end or a NUL in a value would be another field, or another answer.
        ends = len(lines)
        if head.count(b"\n") != ends or head.count(b"\r") != ends or b"\0" in head:
            raise Unframed("a header field of the answer has more than one line")
        return head

    def _frame(self, status: int, length: bytes | None) -> bytes:
        bodiless = self._method == "HEAD" or status in EMPTY
        if length is not None:
            if not length.isdigit():
                raise Unframed("the Content-Length of the answer is not a number of bytes")
            self._left = 0 if bodiless else int(length)
            return b"content-length: %s\r\n" % length
        if bodiless:
            self._left = 0
            return b""
        if self._version == "1.1":
            self._chunked = True
            return b"transfer-encoding: chunked\r\n"
        self.persists = False  # its end is that of the connection
        return b""

    def part(self, data: bytes) -> bytes:
        """Some of the body. Raises `Unframed`."""
        if self._left is not None:
            self._left -= len(data)
            if self._left < 0:
                raise Unframed("the answer is longer than its Content-Length")
        return b"%x\r\n%s\r\n" % (len(data), data) if self._chunked and data else data

    def end(self) -> bytes:
        """What ends the body. Raises `Unframed`."""
        if self._left:
            raise Unframed("the answer is shorter than its Content-Length")
        self.ended = True
        return LAST_CHUNK if self._chunked else b""


def date() -> Header:
    """The `Date` field of this second."""
    return b"date", _date(int(time.time()))


@lru_cache(maxsize=1)
def _date(second: int) -> bytes:
    return formatdate(second, usegmt=True).encode()
