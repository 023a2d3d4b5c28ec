"""A log file that is followed through everything that log rotation does to it."""

import time
from collections import deque
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from console.logs.sources.block import Block
from console.logs.sources.block_reader import BlockReader
from console.logs.sources.position import Place
from console.logs.sources.reader import FileReader
from console.logs.sources.retired import RETIRED, Retired
from console.logs.sources.rotations import Rotations
from console.logs.sources.source import NEWS, reason

__all__ = ["FileSource"]


class FileSource:
    """Follows one path: its tail first, then every new line once, in the order written.

    Survives rename+create, delete+recreate, copytruncate and a file that is not there yet, several
    of them between two looks too: what was rotated away unread is found beside the path. With a
    `place`, reading goes on there instead of at the tail; without `tail`, at the file's start.
    """

    waitable = None
    ended = False

    def __init__(
        self,
        path: Path,
        *,
        place: Place | None = None,
        tail: bool = True,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = path
        self.name = str(path)
        self.state = ""
        self.truncations = 0
        self.news: deque[str] = deque(maxlen=NEWS)
        self.left: deque[Place] = deque(maxlen=RETIRED)
        """Where reading of files ended that are not open any more."""
        self._place = place
        self._tail = tail
        self._clock = clock
        # In the order to be read; the last one is what the path named when last looked at.
        self._readers: deque[BlockReader] = deque()
        self._retired = Retired(clock)
        self._rotations = Rotations(path, self.news, clock)
        self._failed = False

    def poll(self) -> list[Block]:
        """Return the lines completed since the last call; at most a slice of each file."""
        blocks, ended = self._retired.poll()
        for reader in ended:
            self._let_go(reader)
        self._failed = False
        if not self._readers and not self._begin():
            return blocks
        if self._rotations.due:
            found = self._rotations.again(self._readers[-1], self.identities())
            self._readers.extendleft(reversed(found))
        reader = self._readers[0]
        # The path is looked at before the file is read: whatever was written before a rename is
        # then read from the old file before the new one is opened.
        replaced = len(self._readers) == 1 and self._replaced(reader)
        try:
            blocks += reader.read()
        except OSError as error:
            self.state, self._failed = reason(error), True
            if replaced:
                # On a network, a file that was replaced may never be readable again.
                self.news.append(f"the rest of the old file may be lost: {self.state}")
                self._switch(reader)
            return blocks
        if reader.truncated:
            blocks += self._restart(reader)
        elif reader.at_end and len(self._readers) > 1:
            self._retire(self._readers.popleft())
        elif reader.at_end and replaced:
            self._switch(reader)
        return blocks

    @property
    def behind(self) -> bool:
        """Whether there is more to read at once."""
        if self._failed or not self._readers:
            return False
        return len(self._readers) > 1 or not self._readers[0].at_end

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT."""
        return bool(self._readers) and self._readers[0].overlong

    def close(self) -> None:
        """Close every file that is open."""
        for reader in (*self._readers, *self._retired):
            self._let_go(reader)
        self._readers.clear()
        self._retired.clear()

    def identities(self) -> set[tuple[int, int]]:
        """Return device and inode of every file that is open."""
        return {reader.generation.identity for reader in (*self._readers, *self._retired)}

    def _begin(self) -> bool:
        """Open what is to be read first; return whether there is anything."""
        new, missing = self._open()
        if self._place is not None and (new is not None or missing):
            self._resume(self._place, new)
        elif new is not None:
            self._readers.append(new)
        if not self._readers:
            return False
        self._place = None
        self._rotations.begin()
        return True

    def _resume(self, place: Place, new: FileReader | None) -> None:
        if new is not None and place.holds_in(new.fd):
            new.skip(place.offset)
            self._readers.append(new)
            return
        skip = {new.generation.identity} if new is not None else set()
        found, continued = self._rotations.after(place, new, skip, rest=True, since=place.at)
        if new is None and not found:
            return
        self._readers += found if new is None else [*found, new]
        if not continued:
            self.truncations += 1
            self.news.append(_missing(place, new))

    def _switch(self, reader: BlockReader) -> None:
        """Go on with the file that the path names now, and with those it named in between."""
        new, _ = self._open()
        if new is None:
            return
        skip = self.identities() | {new.generation.identity}
        between, _ = self._rotations.after(reader.place, new, skip)
        self._retire(self._readers.popleft())
        self._readers += [*between, new]

    def _restart(self, reader: BlockReader) -> list[Block]:
        """Read a truncated file from its start, after what its copy kept of the lines unread."""
        place, skip = reader.place, self.identities()
        unfinished = reader.finish()
        reader.restart()
        found, continued = self._rotations.after(place, self._readers[-1], skip, rest=True)
        self._rotations.know(place.head)
        self._readers.extendleft(reversed(found))
        self.truncations += 1
        told = "; its last lines were read from a copy" if continued else ""
        self.news.append(f"truncated in place{told}; lines may be lost")
        return [] if continued else unfinished

    def _open(self) -> tuple[FileReader | None, bool]:
        """Open the path; return the reader, and whether there is no such file."""
        try:
            reader = FileReader(self.path, self.name, tail=self._tail and self._place is None)
        except (FileNotFoundError, NotADirectoryError):
            # A file that appears later is all new.
            self.state, self._tail = "no such file yet", False
            return None, True
        except OSError as error:
            self.state = reason(error)
            return None, False
        self.state, self._tail = "", False
        self._rotations.named()
        return reader, False

    def _replaced(self, reader: BlockReader) -> bool:
        try:
            found = self.path.stat()
        except (FileNotFoundError, NotADirectoryError):
            self.state = "removed; waiting for a new one"
            return False
        except OSError as error:
            self.state = reason(error)
            return False
        self.state = ""
        if (found.st_dev, found.st_ino) != reader.generation.identity:
            return True
        self._rotations.named()
        return False

    def _retire(self, reader: BlockReader) -> None:
        self._rotations.know(reader.place.head)
        self._retired.add(reader)

    def _let_go(self, reader: BlockReader) -> None:
        # Once more: an empty file may have grown since.
        self._rotations.know(reader.place.head)
        self.left.append(reader.place)
        reader.close()


def _missing(place: Place, new: FileReader | None) -> str:
    if new is not None and new.generation.identity == (place.device, place.inode):
        return "truncated in place; lines may be lost"
    until = datetime.fromtimestamp(place.at).astimezone().isoformat(" ", "seconds")
    return f"the file read until {until} is gone; what follows its byte {place.offset:,} is missing"
