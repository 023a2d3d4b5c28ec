"""Standard output, written without Python's own buffer: nothing is left to fail at exit."""

import os
import select

__all__ = ["Output"]

_BUFFER = 64 * 1024


class Output:
    """Collects small writes. Raises BrokenPipeError once nobody reads any more, else OSError."""

    def __init__(self, descriptor: int = 1) -> None:
        self._descriptor = descriptor
        self._chunks: list[bytes] = []
        self._size = 0
        self._poll = select.poll()
        # Of a pipe without a reader, the system tells whether it was asked or not.
        self._poll.register(descriptor, 0)

    def write(self, data: bytes) -> None:
        """Write, or keep until there is more."""
        self._chunks.append(data)
        self._size += len(data)
        if self._size >= _BUFFER:
            self.flush()

    def flush(self) -> None:
        """Write what was kept, waiting for as long as the reader takes."""
        data = memoryview(b"".join(self._chunks))
        self._chunks.clear()
        self._size = 0
        while data:
            try:
                data = data[os.write(self._descriptor, data) :]
            except BlockingIOError:
                # Somebody else made the terminal non-blocking.
                select.select([], [self._descriptor], [])

    def check(self) -> None:
        """Raise BrokenPipeError when the reader has gone: there may be no line to find it out."""
        if any(events & (select.POLLERR | select.POLLHUP) for _, events in self._poll.poll(0)):
            raise BrokenPipeError
