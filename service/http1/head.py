"""The head of a request, held against RFC 9112 to the letter.

What another server on the way may read otherwise (folded lines, bare line feeds, control
characters, a Content-Length said twice) is refused, never interpreted: it is how one request is
smuggled inside another.
"""

from dataclasses import dataclass

from service.http1.bodies import Body, Chunked, Sized
from service.http1.grammar import (
    ABSOLUTE_TARGET,
    CONTENT_LENGTH,
    FIELDS,
    LONE,
    REQUEST_LINE,
)
from service.http1.refusal import Refused

# What nginx's default large_client_header_buffers (4 x 8 KiB) lets through.
MAX_HEAD_BYTES = 32 * 1024
# Of which one line may have this much.
MAX_REQUEST_LINE_BYTES = 8 * 1024
# Gunicorn's limit_request_fields.
MAX_FIELDS = 100

EMPTY = (b"", b"\r")
# The fields on which the meaning of all others depends.
FRAMING = frozenset({b"host", b"content-length", b"transfer-encoding", b"expect"})


@dataclass(frozen=True, slots=True)
class Head:
    """A head without a doubt. The names of its fields are in lower case; `body` is None where none
    follows; `persists`: the client may go on to use the connection."""

    method: str
    target: bytes
    version: str
    headers: list[tuple[bytes, bytes]]
    body: Body | None
    expects_continue: bool
    persists: bool


class Heads:
    """Takes one head after the other off the front of what has come."""

    def __init__(self) -> None:
        self._searched = 0
        self._skipped = False

    def take(self, data: bytearray) -> Head | None:
        """The head; None as long as it has no end. Raises `Refused`."""
        if not self._skipped and data.startswith(b"\r\n"):
            del data[:2]  # some clients send one more after a body
            self._skipped = True
            self._searched = 0
        if data in EMPTY:
            return None
        at = max(self._searched - 3, 0)
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            _check_beginning(data, at)
            self._searched = len(data)
            return None
        self._searched = 0
        self._skipped = False
        head = bytes(data[: end + 4])
        del data[: end + 4]
        return _checked(head)


def _check_beginning(data: bytearray, since: int) -> None:
    if data and data[0] < 0x21:  # TLS, for one, begins with 0x16
        raise Refused(400, "The request does not begin with a method.")
    if LONE.search(data, since):
        raise Refused(400, "A line of the head does not end with CR LF.", data)
    _check_size(data)


def _check_size(data: bytes | bytearray) -> None:
    # The first line is long because of its target; all else is the fault of the fields.
    line = data.find(b"\r\n", 0, MAX_REQUEST_LINE_BYTES)
    if line < 0 and len(data) >= MAX_REQUEST_LINE_BYTES:
        raise Refused(414, f"The request line is longer than {MAX_REQUEST_LINE_BYTES} bytes.", data)
    if len(data) > MAX_HEAD_BYTES:
        raise Refused(431, f"The head is longer than {MAX_HEAD_BYTES} bytes.", data)
    if data.count(b"\r\n") > MAX_FIELDS + 2:
        raise Refused(431, f"The request has more than {MAX_FIELDS} header fields.", data)


def _checked(head: bytes) -> Head:
    _check_size(head)
    line = REQUEST_LINE.match(head)
    if line is None:
        raise Refused(400, "The request line is not one of HTTP/1.1.")
    method, target, version = line.groups()
    if version not in {b"1.0", b"1.1"}:
        raise Refused(505, "Only HTTP/1.1 and HTTP/1.0 are spoken here.", head)
    if not FIELDS.fullmatch(head, line.end()):
        raise Refused(400, "A header field is malformed.", head)
    headers = _fields(head[line.end() : -2])
    framing = _framing(headers, head)
    body = _body(framing, version, head)
    if b"host" not in framing and version == b"1.1":
        raise Refused(400, "The Host header is missing.", head)
    if not target.startswith(b"/") and not (target == b"*" and method == b"OPTIONS"):
        authority, target = _in_origin_form(target, head)
        headers = [(b"host", authority), *(each for each in headers if each[0] != b"host")]
    return Head(
        method.decode().upper(),
        target,
        version.decode(),
        headers,
        body,
        body is not None and framing.get(b"expect", b"").lower() == b"100-continue",
        version == b"1.1" and not _closes(headers),
    )


def _fields(lines: bytes) -> list[tuple[bytes, bytes]]:
    fields = []
    for line in lines.split(b"\r\n")[:-1]:
        name, _, value = line.partition(b":")
        fields.append((name.lower(), value.strip(b" \t")))
    return fields


def _framing(headers: list[tuple[bytes, bytes]], head: bytes) -> dict[bytes, bytes]:
    found: dict[bytes, bytes] = {}
    for name, value in headers:
        if name in FRAMING:
            if name in found:
                raise Refused(400, f"The {name.decode().title()} header is sent twice.", head)
            found[name] = value
    return found


def _closes(headers: list[tuple[bytes, bytes]]) -> bool:
    return any(
        name == b"connection" and b"close" in [each.strip() for each in value.lower().split(b",")]
        for name, value in headers
    )


def _body(framing: dict[bytes, bytes], version: bytes, head: bytes) -> Body | None:
    length = framing.get(b"content-length")
    coding = framing.get(b"transfer-encoding")
    if coding is not None:
        if length is not None:
            raise Refused(400, "Content-Length and Transfer-Encoding exclude each other.", head)
        if version == b"1.0" or coding.lower() != b"chunked":
            raise Refused(400, "The only Transfer-Encoding is chunked, in HTTP/1.1.", head)
        return Chunked()
    if length is None:
        return None
    if not CONTENT_LENGTH.fullmatch(length):
        raise Refused(400, "The Content-Length is not a number of bytes.", head)
    return Sized(int(length)) if int(length) else None


def _in_origin_form(target: bytes, head: bytes) -> tuple[bytes, bytes]:
    """The host and the target as they would come without a proxy: a target that names the host, as
    it may, says it instead of the Host header (RFC 9112, 3.2.2)."""
    absolute = ABSOLUTE_TARGET.fullmatch(target)
    if absolute is None:
        raise Refused(400, "The request target is neither a path nor a URL of HTTP.", head)
    path = absolute[2] or b"/"
    return absolute[1], b"/" + path if path.startswith(b"?") else path
