"""Files that were rotated away: their writers may not have been told to reopen yet."""

from collections import deque
from collections.abc import Callable, Iterator

from console.logs.sources.block import Block
from console.logs.sources.block_reader import BlockReader

__all__ = ["RETIRED", "RETIRE_SECONDS", "Retired"]

RETIRED = 8
"""How many files are read on at once; with more, the oldest one is let go early."""
RETIRE_SECONDS = 5.0
"""For how long a file is read on after its last line."""


class Retired:
    """Readers at the end of their files, each with the time when it is given up."""

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._readers: deque[tuple[BlockReader, float]] = deque()

    def __iter__(self) -> Iterator[BlockReader]:
        """Go through the readers, the oldest first."""
        return iter([reader for reader, _ in self._readers])

    def add(self, reader: BlockReader) -> None:
        """Read on a file that has come to its end."""
        self._readers.append((reader, self._clock() + RETIRE_SECONDS))

    def poll(self) -> tuple[list[Block], list[BlockReader]]:
        """Return late lines, and the readers that are given up; these are still open."""
        blocks: list[Block] = []
        ended: list[BlockReader] = []
        for _ in range(len(self._readers)):
            reader, until = self._readers.popleft()
            try:
                late = reader.read()
                gone = reader.truncated
            except OSError:
                late, gone = [], True
            blocks += late
            due = len(self._readers) >= RETIRED or self._clock() >= until
            if gone or (reader.at_end and due and not late):
                blocks += reader.finish()
                ended.append(reader)
            else:
                self._readers.append((reader, self._clock() + RETIRE_SECONDS if late else until))
        return blocks, ended

    def clear(self) -> None:
        """Forget all readers."""
        self._readers.clear()
