"""A log file that is followed through everything that log rotation does to it."""

import math
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

from console.logs.sources.archive import ArchiveReader
from console.logs.sources.block import Block
from console.logs.sources.position import Fingerprint, Place
from console.logs.sources.reader import FileReader
from console.logs.sources.retired import RETIRE_SECONDS, RETIRED, Retired
from console.logs.sources.rotated import heads, later
from console.logs.sources.source import NEWS, reason

__all__ = ["FileSource"]

# A file may be rotated away while it is empty, and written to after that: for as long, rotated
# files are looked at again.
_AGAIN_SECONDS = 1.0
_RECENT_SECONDS = 60.0
_KNOWN = 512


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
        self._readers: deque[FileReader | ArchiveReader] = deque()
        self._retired = Retired(clock)
        self._known: deque[Fingerprint] = deque(maxlen=_KNOWN)
        # When the path was last seen to name the last reader's file, and when its folder was last
        # searched: both in seconds since the epoch, to be compared with times of files.
        self._named_at = self._searched_at = time.time()
        self._search_at = math.inf
        self._search_until = 0.0
        self._history = False
        self._failed = False

    def poll(self) -> list[Block]:
        """Return the lines completed since the last call; at most a slice of each file."""
        blocks, ended = self._retired.poll()
        for reader in ended:
            self._let_go(reader)
        self._failed = False
        if not self._readers and not self._begin():
            return blocks
        if self._clock() >= self._search_at:
            self._search_again()
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
        self._search_at = self._clock()
        return True

    def _resume(self, place: Place, new: FileReader | None) -> None:
        if new is not None and place.holds_in(new.fd):
            new.skip(place.offset)
            self._readers.append(new)
            return
        skip = {new.generation.identity} if new is not None else set()
        self._search_until = self._clock() + RETIRE_SECONDS
        found, continued = self._later(place, skip, rest=True, since=place.at)
        if new is None and not found:
            return
        self._readers += found if new is None else [*found, new]
        if not continued:
            self.truncations += 1
            self.news.append("the file where reading stopped is gone; lines may be missing")

    def _switch(self, reader: FileReader | ArchiveReader) -> None:
        """Go on with the file that the path names now, and with those it named in between."""
        new, _ = self._open()
        if new is None:
            return
        skip = self.identities() | {new.generation.identity}
        self._search_until = self._clock() + RETIRE_SECONDS
        between, _ = self._later(reader.place, skip)
        self._retire(self._readers.popleft())
        self._readers += [*between, new]

    def _restart(self, reader: FileReader | ArchiveReader) -> list[Block]:
        """Read a truncated file from its start, after what its copy kept of the lines unread."""
        place, skip = reader.place, self.identities()
        unfinished = reader.finish()
        reader.restart()
        self._search_until = self._clock() + RETIRE_SECONDS
        found, continued = self._later(place, skip, rest=True)
        self._known.append(place.head)
        self._readers.extendleft(reversed(found))
        self.truncations += 1
        told = "; its last lines were read from a copy" if continued else ""
        self.news.append(f"truncated in place{told}; lines may be lost")
        return [] if continued else unfinished

    def _search_again(self) -> None:
        if not self._history:
            # Not at the first look, which somebody waits for. Without it, an old file that is being
            # compressed would be taken for one that was rotated away unread.
            self._history = True
            self._known += heads(self.path)
            self._plan_search()
            return
        found, _ = self._later(self._readers[-1].place, self.identities())
        self._readers.extendleft(reversed(found))

    def _later(
        self,
        place: Place,
        skip: set[tuple[int, int]],
        *,
        rest: bool = False,
        since: float | None = None,
    ) -> tuple[list[FileReader | ArchiveReader], bool]:
        """Open what came after `place`, as `later()` does, and plan to search again."""
        if since is None:
            # Where rotation follows on rotation, one may have been missed by the last search.
            since = max(min(self._named_at, self._searched_at), time.time() - _RECENT_SECONDS)
        self._searched_at = time.time()
        self._plan_search()
        try:
            found, continued = later(
                self.path, place, since=since, known=self._known, skip=skip, rest=rest
            )
        except OSError as error:
            self.news.append(f"cannot look for rotated files: {reason(error)}")
            return [], False
        if len(found) > continued:
            count = len(found) - continued
            self.news.append(f"rotated more than once; read {count} older as well")
        return found, continued

    def _plan_search(self) -> None:
        now = self._clock()
        self._search_at = now + _AGAIN_SECONDS if now < self._search_until else math.inf

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
        self._named_at = time.time()
        return reader, False

    def _replaced(self, reader: FileReader | ArchiveReader) -> bool:
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
        self._named_at = time.time()
        return False

    def _retire(self, reader: FileReader | ArchiveReader) -> None:
        self._known.append(Fingerprint.of(reader.generation.head))
        self._retired.add(reader)

    def _let_go(self, reader: FileReader | ArchiveReader) -> None:
        # Once more: an empty file may have grown since.
        self._known.append(Fingerprint.of(reader.generation.head))
        self.left.append(reader.place)
        reader.close()
