"""When to look for files that were rotated away unread, and which of them are not read yet."""

import math
import time
from collections import deque
from collections.abc import Callable, Container
from pathlib import Path

from console.logs.sources.block_reader import BlockReader
from console.logs.sources.position import Fingerprint, Place
from console.logs.sources.retired import RETIRE_SECONDS
from console.logs.sources.rotated import Rotated
from console.logs.sources.source import reason

__all__ = ["Rotations"]

# A file may be rotated away while it is empty, and written to after that: for as long, rotated
# files are looked at again.
_AGAIN_SECONDS = 1.0
_RECENT_SECONDS = 60.0
_KNOWN = 512


class Rotations:
    """Finds each file that `path` named for a while, unless its beginning is known already.

    What is found, or cannot be, is added to `news`.
    """

    def __init__(self, path: Path, news: deque[str], clock: Callable[[], float]) -> None:
        self._rotated = Rotated(path)
        self._news = news
        self._clock = clock
        self._known: deque[Fingerprint] = deque(maxlen=_KNOWN)
        # When the path was last seen to name the last reader's file, and when its folder was last
        # searched: both in seconds since the epoch, to be compared with times of files.
        self._named_at = self._searched_at = time.time()
        self._search_at = math.inf
        self._search_until = 0.0
        self._history = False

    @property
    def due(self) -> bool:
        """Whether it is time for `again()`."""
        return self._clock() >= self._search_at

    def begin(self) -> None:
        """Have `again()` called soon."""
        self._search_at = self._clock()

    def named(self) -> None:
        """Note that the path names the file that is read now."""
        self._named_at = time.time()

    def know(self, head: Fingerprint) -> None:
        """Note that a file that begins like this was read."""
        self._known.append(head)

    def after(
        self,
        place: Place,
        current: BlockReader | None,
        skip: Container[tuple[int, int]],
        *,
        rest: bool = False,
        since: float | None = None,
    ) -> tuple[list[BlockReader], bool]:
        """Open what came after `place` and before `current`, as `later()` does.

        For some seconds, others may follow: `again()` finds them.
        """
        self._search_until = self._clock() + RETIRE_SECONDS
        return self._search(place, current, skip, rest=rest, since=since)

    def again(self, current: BlockReader, skip: Container[tuple[int, int]]) -> list[BlockReader]:
        """Open what has come up since the last search, `current` being read."""
        if not self._history:
            # Not at the first look, which somebody waits for. Without it, an old file that is being
            # compressed would be taken for one that was rotated away unread.
            self._history = True
            self._known += self._rotated.heads()
            self._plan()
            return []
        return self._search(current.place, current, skip)[0]

    def _search(
        self,
        place: Place,
        current: BlockReader | None,
        skip: Container[tuple[int, int]],
        *,
        rest: bool = False,
        since: float | None = None,
    ) -> tuple[list[BlockReader], bool]:
        if since is None:
            # Where rotation follows on rotation, one may have been missed by the last search.
            since = max(min(self._named_at, self._searched_at), time.time() - _RECENT_SECONDS)
        self._searched_at = time.time()
        self._plan()
        try:
            found, continued = self._rotated.later(
                place, current, since=since, known=self._known, skip=skip, rest=rest
            )
        except OSError as error:
            self._news.append(f"cannot look for rotated files: {reason(error)}")
            return [], False
        if len(found) > continued:
            count = len(found) - continued
            self._news.append(f"rotated more than once; read {count} older as well")
        return found, continued

    def _plan(self) -> None:
        now = self._clock()
        self._search_at = now + _AGAIN_SECONDS if now < self._search_until else math.inf
