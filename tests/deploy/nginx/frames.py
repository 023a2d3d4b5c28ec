"""HTTP/2 in frames as they are, without a library's good manners."""

import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from time import monotonic

import hpack
from hyperframe.frame import (
    DataFrame,
    Frame,
    GoAwayFrame,
    HeadersFrame,
    RstStreamFrame,
    SettingsFrame,
)

from tests.deploy.nginx.site import NAME, Site
from tests.deploy.nginx.wire import LIMIT, connected

PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
Pair = tuple[bytes, bytes]


def pseudo(
    method: bytes = b"GET", path: bytes = b"/", authority: bytes = NAME.encode()
) -> list[Pair]:
    """The headers of a request line."""
    names = (b":method", b":path", b":scheme", b":authority")
    return list(zip(names, (method, path, b"https", authority), strict=True))


def block(headers: list[Pair]) -> bytes:
    """Them without the table that both sides keep, so that blocks do not depend on each other."""
    encoded: bytes = hpack.Encoder().encode(
        [hpack.NeverIndexedHeaderTuple(*each) for each in headers]
    )
    return encoded


def opened(stream: int, headers: bytes, *, end: bool = True) -> bytes:
    """A HEADERS frame. `end`: without a body."""
    frame = HeadersFrame(stream, headers)
    frame.flags.add("END_HEADERS")
    if end:
        frame.flags.add("END_STREAM")
    return frame.serialize()


def data(stream: int, body: bytes, *, end: bool = True) -> bytes:
    """A DATA frame."""
    frame = DataFrame(stream, body)
    if end:
        frame.flags.add("END_STREAM")
    return frame.serialize()


def reset(stream: int) -> bytes:
    """The client has thought better of it."""
    return RstStreamFrame(stream, error_code=8).serialize()


@dataclass
class Talk:
    """A connection on which frames are sent. `settings`: nginx's own; `statuses`: by stream."""

    connection: socket.socket
    kept: bytes = b""
    settings: dict[int, int] = field(default_factory=dict)
    statuses: dict[int, int] = field(default_factory=dict)
    ended: set[int] = field(default_factory=set)
    goodbye: int | None = None
    decoder: hpack.Decoder = field(default_factory=hpack.Decoder)

    def send(self, sent: bytes) -> None:
        self.connection.sendall(sent)

    def read(self) -> bool:
        """What has come; False when the connection has ended."""
        try:
            part = self.connection.recv(65536)
        except (ConnectionError, ssl.SSLEOFError):
            part = b""
        self.kept += part
        while len(self.kept) >= 9:
            frame, size = Frame.parse_frame_header(memoryview(self.kept[:9]))
            if len(self.kept) < 9 + size:
                break
            frame.parse_body(memoryview(self.kept[9 : 9 + size]))
            self.kept = self.kept[9 + size :]
            self.take(frame)
        return part != b""

    def take(self, frame: Frame) -> None:
        """Notes what it says."""
        if isinstance(frame, SettingsFrame):
            self.settings |= frame.settings
        elif isinstance(frame, HeadersFrame):
            self.statuses[frame.stream_id] = int(dict(self.decoder.decode(frame.data))[":status"])
        elif isinstance(frame, GoAwayFrame):
            self.goodbye = frame.error_code
        if "END_STREAM" in frame.flags or isinstance(frame, RstStreamFrame):
            self.ended.add(frame.stream_id)

    def answers(self, *streams: int) -> list[int]:
        """The statuses of these streams; 0 where there was none."""
        while not self.ended.issuperset(streams) and self.goodbye is None and self.read():
            pass
        return [self.statuses.get(each, 0) for each in streams]

    def floods(self, chunk: Iterator[bytes], most: int) -> tuple[bool, int]:
        """Sends on until nginx ends the connection, or says that it does, or `most` bytes are
        sent. Whether it ended, and how many bytes it took."""
        self.connection.settimeout(0)
        sent, left, deadline = 0, b"", monotonic() + 3 * LIMIT
        while sent < most and monotonic() < deadline:
            left = left or next(chunk)
            with suppress(ssl.SSLWantReadError, ssl.SSLWantWriteError):
                try:
                    put = self.connection.send(left)
                except OSError as error:
                    if isinstance(error, ssl.SSLWantReadError | ssl.SSLWantWriteError):
                        select.select([self.connection], [self.connection], [], 0.2)
                    else:
                        return True, sent
                else:
                    sent, left = sent + put, left[put:]
                if not self.read() or self.goodbye is not None:
                    return True, sent
        return False, sent


@contextmanager
def talk(site: Site, source: str = "127.0.0.1") -> Iterator[Talk]:
    """A connection on which HTTP/2 was agreed."""
    with connected(site, "h2", source=source) as connection:
        talking = Talk(connection)
        talking.send(PREFACE + SettingsFrame(0).serialize())
        while not talking.settings and talking.read():
            pass
        yield talking
