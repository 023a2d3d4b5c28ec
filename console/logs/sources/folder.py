"""Files that match a pattern, or lie in a folder: new ones join, vanished ones leave."""

import os
import stat
import time
from collections import deque
from collections.abc import Callable, Iterator, Sequence
from glob import iglob
from itertools import islice
from pathlib import Path

from console.logs.sources.archive import SUFFIXES
from console.logs.sources.file import FileSource
from console.logs.sources.position import Place
from console.logs.sources.reader import open_regular
from console.logs.sources.rotated import rotated_from
from console.logs.sources.source import NEWS, reason

__all__ = ["OPEN_FILES", "Folder"]

OPEN_FILES = 64
"""How many files are followed at once: those that changed last."""
_NAMES = 10_000
_SCAN_SECONDS = 1.0
# Looking for files may take one twentieth of the time.
_SCAN_SHARE = 20
# For so long may a path be away in the middle of its rotation.
_GONE_SECONDS = 10.0
_PLACES = 1_000


class Folder:
    """Follows the plain files of a folder, or those that match a glob pattern (`**` too).

    Files there at the first look begin with their tail, or at the place that `resume` returns for
    their path; later ones are read from their start. A log's older generations beside it are its
    own business, and compressed files are only read by a pattern that asks for them by name.
    """

    def __init__(
        self,
        pattern: Path,
        *,
        resume: Callable[[str], Place | None] = lambda _: None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.name = str(pattern)
        self.state = ""
        self.news: deque[str] = deque(maxlen=NEWS)
        self.truncations = 0
        """Those of files that are not followed any more."""
        self._pattern = pattern
        self._resume = resume
        self._clock = clock
        self._scan_at = clock()
        self._first = True
        self._members: dict[str, FileSource] = {}
        self._gone: dict[str, float] = {}
        # Where files that are not followed any more were left, by device and inode.
        self._left: dict[tuple[int, int], Place] = {}

    def members(self) -> Sequence[FileSource]:
        """Return the files that are followed now; looks for others about once a second."""
        if self._clock() >= self._scan_at:
            begin = self._clock()
            self._scan(begin)
            spent = self._clock() - begin
            self._scan_at = begin + max(_SCAN_SECONDS, spent * _SCAN_SHARE)
        return tuple(self._members.values())

    def close(self) -> None:
        """Close every file."""
        for member in self._members.values():
            member.close()
        self._members.clear()

    def _scan(self, now: float) -> None:
        found = dict(self._found())
        newest = sorted(found, key=lambda path: found[path].st_mtime_ns, reverse=True)[:OPEN_FILES]
        for path in [path for path in self._members if path not in newest]:
            gone_at = self._gone.setdefault(path, now if path not in found else now - _GONE_SECONDS)
            if now - gone_at >= _GONE_SECONDS and not self._members[path].behind:
                self._leave(path)
        for path in newest:
            self._gone.pop(path, None)
        for member in self._members.values():
            self._remember(member)
        held = {one for member in self._members.values() for one in member.identities()}
        for path in newest:
            identity = found[path].st_dev, found[path].st_ino
            # One that is still read under the name it had before joins when that has ended.
            if path not in self._members and identity not in held:
                self._join(path, identity)
        self._first = False
        if not self._members and not self.state:
            self.state = "no such file yet"
        elif len(found) > OPEN_FILES:
            self.state = f"only the newest {OPEN_FILES} of {len(found)} files are followed"

    def _join(self, path: str, identity: tuple[int, int]) -> None:
        place = self._resume(path) if self._first else self._left.get(identity)
        if place is not None and not self._first and not _holds(path, place):
            place = None
        self._members[path] = FileSource(Path(path), place=place, tail=self._first)

    def _leave(self, path: str) -> None:
        member = self._members.pop(path)
        del self._gone[path]
        member.close()
        self.truncations += member.truncations
        self.news += [f"{path}: {text}" for text in member.news]
        self._remember(member)

    def _remember(self, member: FileSource) -> None:
        while member.left:
            place = member.left.popleft()
            self._left[place.device, place.inode] = place
        while len(self._left) > _PLACES:
            del self._left[next(iter(self._left))]

    def _found(self) -> Iterator[tuple[str, os.stat_result]]:
        self.state = ""
        pattern = self._pattern / "*" if self._pattern.is_dir() else self._pattern
        wanted = pattern.suffix in SUFFIXES
        try:
            # Path.glob() takes no absolute pattern.
            names = list(islice(iglob(str(pattern), recursive=True), _NAMES))  # noqa: PTH207
        except OSError as error:
            self.state = reason(error)
            return
        known = set(names)
        for name in names:
            folder, _, file = name.rpartition("/")
            before = f"{folder}/" if folder else ""
            if any(f"{before}{log}" in known for log in rotated_from(file)):
                continue
            if name.endswith(SUFFIXES) and not wanted:
                continue
            try:
                status = Path(name).stat()
            except OSError:
                continue
            if stat.S_ISREG(status.st_mode):
                yield name, status


def _holds(path: str, place: Place) -> bool:
    try:
        fd = open_regular(Path(path))
    except OSError:
        return False
    try:
        return place.holds_in(fd)
    finally:
        os.close(fd)
