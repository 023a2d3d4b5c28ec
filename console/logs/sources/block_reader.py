"""What it takes to read a file in blocks of whole lines, compressed or not."""

import time
from abc import ABC, abstractmethod
from collections.abc import Iterable

from console.logs.sources.block import LAST, Block, Generation, Splitter
from console.logs.sources.position import Fingerprint, Place

__all__ = ["BlockReader"]


class BlockReader(ABC):
    """An open file, how far its lines were given, and what is left of the last one.

    Offsets are those of its content. `at_end`: the last `read()` came to the end. `truncated`: it
    found that what was read before is gone, and that only `restart()` helps.
    """

    truncated = False

    def __init__(self, source: str, generation: Generation) -> None:
        self.generation = generation
        self.at_end = False
        self._source = source
        self._splitter = Splitter()
        self._given = 0
        self._before = b""

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT."""
        return self._splitter.overlong

    @property
    def place(self) -> Place:
        """The end of the last whole line that was read."""
        return Place(
            device=self.generation.device,
            inode=self.generation.inode,
            offset=self._given,
            head=Fingerprint.of(self.generation.head),
            before=Fingerprint.of(self._before),
            at=time.time(),
        )

    @abstractmethod
    def skip(self, offset: int) -> None:
        """Begin at `offset`, where a line begins."""

    @abstractmethod
    def read(self) -> list[Block]:
        """Return the lines that the next slice completes."""

    @abstractmethod
    def restart(self) -> None:
        """Begin again at the start of a file that was truncated."""

    def finish(self) -> list[Block]:
        """Return the line that never got its newline, if there is one."""
        return self._blocks(self._splitter.finish())

    @abstractmethod
    def close(self) -> None:
        """Close the file."""

    def _blocks(self, pieces: Iterable[tuple[bytes, int]]) -> list[Block]:
        blocks: list[Block] = []
        for data, size in pieces:
            self._given += size
            self._before = data[-LAST:] if size == len(data) else b""
            blocks.append(Block(data, self._source, size, self._given, self.generation))
        return blocks
