"""Lines from a descriptor: standard input, or the output of a command."""

import os
import select
from collections import deque

from console.lines import WHOLE_LINE
from console.logs.sources.block import SLICE, Block, Splitter
from console.logs.sources.source import NEWS

__all__ = ["Stream", "StreamSource"]

# As much as a slice four times over is read before other sources have their turn.
_SLICES = 4


class Stream:
    """A descriptor that is read as far as it can be without waiting."""

    def __init__(self, fd: int, source: str, *, limit: int = WHOLE_LINE) -> None:
        """Of a line longer than `limit` bytes only the beginning is kept."""
        self.fd = fd
        self.ended = False
        self._source = source
        self._splitter = Splitter(limit)
        self._end = 0
        # The descriptor's mode is left alone: standard input may be shared with a shell.
        self._poll = select.poll()
        self._poll.register(fd, select.POLLIN)

    @property
    def readable(self) -> bool:
        """Whether there is something to read, be it the end."""
        return not self.ended and bool(self._poll.poll(0))

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT."""
        return self._splitter.overlong

    def read(self) -> list[Block]:
        """Return the lines completed by what is there; at the end, the unfinished one too."""
        blocks: list[Block] = []
        for _ in range(_SLICES):
            if not self.readable:
                break
            try:
                chunk = os.read(self.fd, SLICE)
            except OSError:
                # A terminal that went away; there is nobody left to read from.
                chunk = b""
            self.ended = not chunk
            pieces = self._splitter.feed(chunk) if chunk else self._splitter.finish()
            for data, size in pieces:
                self._end += size
                blocks.append(Block(data, self._source, size, self._end))
        return blocks


class StreamSource:
    """Standard input, or another descriptor that somebody else opened and will close."""

    truncations = 0

    def __init__(self, fd: int = 0, name: str = "-") -> None:
        self.name = name
        self.state = ""
        self.news: deque[str] = deque(maxlen=NEWS)
        self._stream = Stream(fd, name)

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        return self._stream.readable

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT."""
        return self._stream.overlong

    @property
    def ended(self) -> bool:
        """Whether its writers have closed it."""
        return self._stream.ended

    @property
    def waitable(self) -> int | None:
        """The descriptor, until its end."""
        return None if self._stream.ended else self._stream.fd

    def poll(self) -> list[Block]:
        """Return the lines that are there."""
        blocks = self._stream.read()
        if self._stream.ended:
            self.state = "ended"
        return blocks

    def close(self) -> None:
        """Leave the descriptor to the one who opened it."""
