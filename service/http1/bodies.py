"""Where the body of a request ends, and whether its chunks are what RFC 9112 says."""

from typing import Protocol

from service.http1.grammar import CHUNK_SIZE, FIELD
from service.http1.refusal import Refused

# Of a chunk's size and extension, which nobody uses, together.
MAX_SIZE_LINE_BYTES = 256
MAX_TRAILER_BYTES = 8 * 1024


class Body(Protocol):
    """Takes what belongs to one body off the front of what has come."""

    ended: bool

    def take(self, data: bytearray) -> bytes:
        """The next of its content; empty as long as more must come first. Raises `Refused`."""


class Sized:
    """A body of so many bytes."""

    def __init__(self, size: int) -> None:
        self._left = size
        self.ended = False

    def take(self, data: bytearray) -> bytes:
        """As `Body` says."""
        part = bytes(data[: self._left])
        del data[: len(part)]
        self._left -= len(part)
        self.ended = not self._left
        return part


class Chunked:
    """A body in chunks. Those that have come together leave as one: a part for every byte would
    cost a hundred times what it costs to send."""

    def __init__(self) -> None:
        self.ended = False
        self._left = 0  # of the chunk
        self._closes = False  # the chunk's own line end is to come
        self._last = False  # only trailers are to come
        self._trailers = 0

    def take(self, data: bytearray) -> bytes:
        """As `Body` says. Extensions and trailers are checked and left out."""
        content = bytearray()
        at = 0
        while not self.ended and at < len(data):
            if self._left:
                part = data[at : at + self._left]
                content += part
                at += len(part)
                self._left -= len(part)
                self._closes = not self._left
                continue
            limit = MAX_TRAILER_BYTES - self._trailers if self._last else MAX_SIZE_LINE_BYTES
            end = data.find(b"\n", at, at + limit) + 1
            if not end:
                if len(data) - at >= limit:
                    raise Refused(400, "A line between the chunks of the body is too long.")
                break
            self._line(bytes(data[at:end]))
            at = end
        del data[:at]
        return bytes(content)

    def _line(self, line: bytes) -> None:
        if self._closes:
            if line != b"\r\n":
                raise Refused(400, "A chunk of the body is not as long as it says.")
            self._closes = False
        elif self._last:
            self.ended = line == b"\r\n"
            if not self.ended and not FIELD.fullmatch(line):
                raise Refused(400, "A trailer of the body is malformed.")
            self._trailers += len(line)
        else:
            size = CHUNK_SIZE.fullmatch(line)
            if size is None:
                raise Refused(400, "The size of a chunk of the body is malformed.")
            self._left = int(size[1], 16)
            self._last = not self._left
