"""Blocks on their way from the thread that reads to those who want them."""

import threading
from collections import deque
from collections.abc import Iterable

from console.logs.sources.block import Block

__all__ = ["PENDING_BYTES", "PENDING_LINES", "HandOver"]

PENDING_LINES = 50_000
PENDING_BYTES = 8 * 1024 * 1024


class HandOver:
    """A queue that tells when it is full; what is then not read stays in its file or pipe."""

    def __init__(self) -> None:
        self._blocks: deque[tuple[Block, int]] = deque()
        self._lines = 0
        self._size = 0
        self._changed = threading.Condition()
        self._closed = False

    @property
    def full(self) -> bool:
        """Whether nothing more should be put in for now."""
        return self._lines >= PENDING_LINES or self._size >= PENDING_BYTES

    @property
    def ended(self) -> bool:
        """Whether everything was taken and nothing more will come."""
        return self._closed and not self._blocks

    def put(self, blocks: Iterable[Block]) -> None:
        """Add blocks; the one who puts asks for `full` before."""
        with self._changed:
            for block in blocks:
                count = block.line_count
                self._blocks.append((block, count))
                self._lines += count
                self._size += len(block.data)
            self._changed.notify_all()

    def take(self, lines: int, timeout: float) -> list[Block]:
        """Return at most `lines` lines, the oldest first; waits up to `timeout` s for the first."""
        taken: list[Block] = []
        with self._changed:
            self._changed.wait_for(lambda: self._blocks or self._closed, timeout)
            while self._blocks and lines > 0:
                block, count = self._blocks.popleft()
                if count > lines:
                    block, rest = block.split(lines)
                    self._blocks.appendleft((rest, count - lines))
                    count = lines
                taken.append(block)
                lines -= count
                self._lines -= count
                self._size -= len(block.data)
            self._changed.notify_all()
        return taken

    def wait_for_room(self, timeout: float) -> None:
        """Wait until it is not full, `timeout` seconds at most."""
        with self._changed:
            self._changed.wait_for(lambda: not self.full or self._closed, timeout)

    def close(self) -> None:
        """Say that nothing more will come."""
        with self._changed:
            self._closed = True
            self._changed.notify_all()
