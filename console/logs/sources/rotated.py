"""What became of a log after its rotation: the older generations beside it, compressed or not."""

import os
import re
import stat
from collections.abc import Container, Iterable, Iterator
from contextlib import suppress
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

from console.logs.sources.archive import SUFFIXES, ArchiveReader, archive_kind
from console.logs.sources.block_reader import BlockReader
from console.logs.sources.position import Fingerprint, Place
from console.logs.sources.reader import FileReader

__all__ = ["Rotated", "rotated_from"]

# So far may the clocks of a file system and of this machine differ.
_SLACK_SECONDS = 2.0
_SIBLINGS = 200
_ENTRIES = 1_000
# service.log.1, service.log-20260115, service.log.2026-01-15_10, …
_AFTER = r"[._-](?:\d[\d._:TZ+-]*|old|bak)"
# service.1.log, service-20260115.log, …; worker-1.log may well be a log of its own.
_WITHIN = r"(?:\.\d+|[._-]\d{4}[\d._:TZ+-]{2,})"
_ENDS = f"(?:{'|'.join(re.escape(end) for end in SUFFIXES)})?"
_NAMES = (
    re.compile(f"(?P<stem>.+?){_AFTER}(?P<suffix>){_ENDS}"),
    re.compile(rf"(?P<stem>.+?){_WITHIN}(?P<suffix>\.[a-zA-Z]\w*?){_ENDS}"),
)
# Folders beside that of the log are looked into when they are called like this.
_OLD = re.compile(r"(?i)old.*|arch.*|rotat.*|back-?ups?|hist.*|log-?(?:old|arch).*")
_NUMBER = re.compile(r"[._-](\d{1,18})")


class _Sibling(NamedTuple):
    changed: int
    order: int
    path: Path
    identity: tuple[int, int]
    named: bool


_Opened = tuple[_Sibling, BlockReader]


def rotated_from(name: str) -> set[str]:
    """Return the names that a log may have had whose rotation gave a file this name."""
    found = (pattern.fullmatch(name) for pattern in _NAMES)
    return {match["stem"] + match["suffix"] for match in found if match}


class Rotated:
    """The older generations of the log at `path`, beside it or where rotation moves them to."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._moved_to: Path | None = None

    def later(
        self,
        place: Place,
        current: BlockReader | None,
        *,
        since: float,
        known: Iterable[Fingerprint],
        skip: Container[tuple[int, int]],
        rest: bool,
    ) -> tuple[list[BlockReader], bool]:
        """Open what the path named after `place` and before `current`, oldest first.

        With `rest`, what follows `place` in its own file comes first, when that file or a copy of
        it is found; then everything younger. Otherwise it is those that changed after `since`
        (seconds since the epoch). Left out are files in `skip` (device, inode), those that begin
        like one of the `known`, and copies of what `current` still holds. Also returns whether the
        rest was found. Raises OSError.
        """
        opened, own = self._open(place, skip)
        match = own if rest else None
        seen = [*known, place.head]
        found: list[BlockReader] = []
        oldest = int((since - _SLACK_SECONDS) * 1e9)
        if match is not None:
            oldest = match[0].changed
            match[1].skip(place.offset)
            found.append(match[1])
        for sibling, reader in opened:
            if match is not None and reader is match[1]:
                continue
            head = reader.generation.head
            # Compressing leaves two files of one content for a moment, and copying does for good.
            twice = any(one.begins(head) for one in seen) or _is_copy(reader, current)
            if not sibling.named or sibling.changed < oldest or not head or twice:
                reader.close()
                continue
            found.append(reader)
            seen.append(Fingerprint.of(head))
        return found, match is not None

    def heads(self) -> list[Fingerprint]:
        """Return how the older generations begin that are beside the log."""
        try:
            opened = _opened(_siblings(self._path, self._path.parent), self._path, ())
        except OSError:
            return []
        for _, reader in opened:
            reader.close()
        return [Fingerprint.of(reader.generation.head) for _, reader in opened]

    def _open(
        self, place: Place, skip: Container[tuple[int, int]]
    ) -> tuple[list[_Opened], _Opened | None]:
        """Open the older generations, and tell which of them has the place."""
        siblings = _siblings(self._path, self._path.parent, place)
        opened = _opened(siblings, self._path, skip)
        match = _continuation(opened, place)
        if match is not None or _is_open(siblings, place, skip):
            return opened, match
        folders = _other_folders(self._path)
        for folder in folders if self._moved_to is None else (self._moved_to, *folders):
            with suppress(OSError):
                siblings = _siblings(self._path, folder, place)
                moved = _opened(siblings, self._path, skip)
                match = _continuation(moved, place)
                # Others may have logs of the same name, so that the place itself must be there.
                here = match is not None or _is_open(siblings, place, skip)
                if here or folder == self._moved_to:
                    self._moved_to = folder
                    return sorted([*opened, *moved], key=itemgetter(0)), match
                for _, reader in moved:
                    reader.close()
        return opened, None


def _siblings(path: Path, folder: Path, place: Place | None = None) -> list[_Sibling]:
    """Return the older generations of `path` in a folder, and the file of `place`, oldest first."""
    found: list[_Sibling] = []
    with os.scandir(folder) as entries:
        for entry in entries:
            named = path.name in rotated_from(entry.name)
            # Under whatever name.
            moved = place is not None and entry.inode() == place.inode and entry.name != path.name
            if not (named or moved):
                continue
            try:
                status = entry.stat()
            except OSError:
                # Renamed or removed since the folder was read.
                continue
            if stat.S_ISREG(status.st_mode):
                identity = status.st_dev, status.st_ino
                order = _order(entry.name[len(path.stem) :])
                found.append(_Sibling(status.st_mtime_ns, order, Path(entry), identity, named))
    return sorted(found)[-_SIBLINGS:]


def _opened(
    siblings: Iterable[_Sibling], path: Path, skip: Container[tuple[int, int]]
) -> list[_Opened]:
    """Open what is not in `skip`, as lines of `path`."""
    found: list[_Opened] = []
    for sibling in siblings:
        if sibling.identity in skip:
            continue
        # Gone in the meantime, or not for us to read.
        with suppress(OSError):
            kind = ArchiveReader if archive_kind(sibling.path) else FileReader
            found.append((sibling, kind(sibling.path, str(path))))
    return found


def _other_folders(path: Path) -> Iterator[Path]:
    """Give the folders that rotation may move old files to, logrotate's `olddir`."""
    for folder, names in ((path.parent, re.compile(r"[^.].*")), (path.parent.parent, _OLD)):
        with suppress(OSError), os.scandir(folder) as entries:
            for entry in islice(entries, _ENTRIES):
                if names.fullmatch(entry.name) and entry.is_dir():
                    yield Path(entry)


def _is_open(siblings: Iterable[_Sibling], place: Place, skip: Container[tuple[int, int]]) -> bool:
    """Whether one is the file of a place, and is read still: its inode is no other file's now."""
    identity = place.device, place.inode
    return identity in skip and any(sibling.identity == identity for sibling in siblings)


def _is_copy(reader: BlockReader, current: BlockReader | None) -> bool:
    """Whether `current` still has all that is in another file: it is about to be truncated."""
    return (
        isinstance(reader, FileReader) and isinstance(current, FileReader) and current.has(reader)
    )


def _continuation(opened: Iterable[_Opened], place: Place) -> _Opened | None:
    compressed = None
    for sibling, reader in opened:
        if isinstance(reader, FileReader):
            if place.holds_in(reader.fd):
                return sibling, reader
        elif place.head.begins(reader.generation.head):
            compressed = sibling, reader
    return compressed


def _order(mark: str) -> int:
    """Tell the age of two generations that changed in one instant: smaller is older."""
    match = _NUMBER.search(mark)
    number = int(match[1]) if match else 0
    # Numbers grow with age, dates do not.
    return number if number > 19_000_000 else -number
