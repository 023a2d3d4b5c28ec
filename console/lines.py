"""Bytes in, whole lines out, in bounded memory."""

from typing import NamedTuple

__all__ = ["LINE_LIMIT", "WHOLE_LINE", "Line", "LineSplitter"]

LINE_LIMIT = 64 * 1024
"""Bytes of one line that are shown; the rest of a longer line is only counted."""
WHOLE_LINE = 16 * 1024 * 1024
"""Bytes of one line that are read and searched; no more is kept of any line."""


class Line(NamedTuple):
    """A line without its newline: the bytes kept, and how many bytes it really had."""

    raw: bytes
    size: int


class LineSplitter:
    """Cuts a stream of chunks at its newlines and holds the unfinished last line back.

    Of a line longer than LINE_LIMIT only the beginning is kept.
    """

    def __init__(self) -> None:
        self._kept = b""
        self._size = 0

    def feed(self, chunk: bytes) -> list[Line]:
        """Return the lines that `chunk` completed."""
        first, *rest = chunk.split(b"\n")
        self._extend(first)
        if not rest:
            return []
        lines = [Line(self._kept, self._size)]
        *middle, last = rest
        lines += [Line(raw[:LINE_LIMIT], len(raw)) for raw in middle]
        self._kept, self._size = last[:LINE_LIMIT], len(last)
        return lines

    def finish(self) -> list[Line]:
        """Return the unfinished line, if there is one: nothing more will follow it."""
        lines = [Line(self._kept, self._size)] if self._size else []
        self._kept, self._size = b"", 0
        return lines

    def _extend(self, part: bytes) -> None:
        self._size += len(part)
        if len(self._kept) < LINE_LIMIT:
            self._kept += part[: LINE_LIMIT - len(self._kept)]
