"""Messages, and the descriptors that go with them, over a socket between two processes."""

import select
import socket
from collections import deque
from typing import Any, Generic, TypeVar

import msgspec

__all__ = ["Channel"]

T = TypeVar("T")

_CHUNK = 256 * 1024
_LENGTH = 4
_LONGEST = 256 * 1024 * 1024
_DESCRIPTORS = 16


class Channel(Generic[T]):
    """Sends any message, and receives those of `kind`: a union of tagged Structs.

    Descriptors arrive in `descriptors`, in the order of their messages. Who takes one closes it.
    """

    def __init__(self, connection: socket.socket, kind: Any) -> None:
        self.descriptors: deque[int] = deque()
        self._socket = connection
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._encoder = msgspec.msgpack.Encoder()
        self._buffer = bytearray()

    def fileno(self) -> int:
        """The socket's descriptor, for a selector."""
        return self._socket.fileno()

    def send(self, message: object, descriptor: int | None = None) -> None:
        """Send a message, waiting for room. Raises OSError when the other side is gone."""
        body = self._encoder.encode(message)
        frame = len(body).to_bytes(_LENGTH, "big") + body
        if descriptor is None:
            self._socket.sendall(frame)
        else:
            sent = socket.send_fds(self._socket, [frame], [descriptor])
            self._socket.sendall(frame[sent:])

    def receive(self) -> list[T]:
        """Wait for something to arrive and return the messages that are complete, maybe none.

        Raises EOFError when the other side has closed, OSError and msgspec.DecodeError when what
        arrives is no message.
        """
        chunk, descriptors, _, _ = socket.recv_fds(self._socket, _CHUNK, _DESCRIPTORS)
        self.descriptors.extend(descriptors)
        if not chunk:
            raise EOFError
        self._buffer += chunk
        found: list[T] = []
        at = 0
        while len(self._buffer) >= at + _LENGTH:
            size = int.from_bytes(self._buffer[at : at + _LENGTH], "big")
            if size > _LONGEST:
                raise OSError(0, f"a message of {size} bytes")
            if len(self._buffer) < at + _LENGTH + size:
                break
            at += _LENGTH
            found.append(self._decoder.decode(self._buffer[at : at + size]))
            at += size
        del self._buffer[:at]
        return found

    def waiting(self) -> bool:
        """Tell whether `receive()` would return at once."""
        return bool(select.select([self._socket], [], [], 0)[0])

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()
