"""What became of a log after its rotation: the older generations beside it, compressed or not."""

import os
import re
import stat
from collections.abc import Container, Iterable
from pathlib import Path
from typing import NamedTuple

from console.logs.sources.archive import SUFFIXES, ArchiveReader, archive_kind
from console.logs.sources.position import Fingerprint, Place
from console.logs.sources.reader import FileReader

__all__ = ["heads", "later", "rotated_from"]

# So far may the clocks of a file system and of this machine differ.
_SLACK_SECONDS = 2.0
_SIBLINGS = 200
# service.log.1, service.log-20260115, service.log.2026-01-15_10, …
_AFTER = r"[._-](?:\d[\d._:TZ+-]*|old|bak)"
# service.1.log, service-20260115.log, …; worker-1.log may well be a log of its own.
_WITHIN = r"(?:\.\d+|[._-]\d{4}[\d._:TZ+-]{2,})"
_ENDS = f"(?:{'|'.join(re.escape(end) for end in SUFFIXES)})?"
_NAMES = (
    re.compile(f"(?P<stem>.+?){_AFTER}(?P<suffix>){_ENDS}"),
    re.compile(rf"(?P<stem>.+?){_WITHIN}(?P<suffix>\.[a-zA-Z]\w*?){_ENDS}"),
)
_NUMBER = re.compile(r"[._-](\d{1,18})")


class _Sibling(NamedTuple):
    changed: int
    order: int
    path: Path
    identity: tuple[int, int]


def rotated_from(name: str) -> set[str]:
    """Return the names that a log may have had whose rotation gave a file this name."""
    found = (pattern.fullmatch(name) for pattern in _NAMES)
    return {match["stem"] + match["suffix"] for match in found if match}


def _siblings(path: Path) -> list[_Sibling]:
    """Return the older generations of `path` in its folder, the oldest first."""
    found: list[_Sibling] = []
    with os.scandir(path.parent) as entries:
        for entry in entries:
            if path.name not in rotated_from(entry.name):
                continue
            try:
                status = entry.stat()
            except OSError:
                # Renamed or removed since the folder was read.
                continue
            if stat.S_ISREG(status.st_mode):
                identity = status.st_dev, status.st_ino
                order = _order(entry.name[len(path.stem) :])
                found.append(_Sibling(status.st_mtime_ns, order, Path(entry), identity))
    return sorted(found)[-_SIBLINGS:]


def later(
    path: Path,
    place: Place,
    *,
    since: float,
    known: Iterable[Fingerprint],
    skip: Container[tuple[int, int]],
    rest: bool,
) -> tuple[list[FileReader | ArchiveReader], bool]:
    """Open what `path` named after `place` and names no more, oldest first.

    With `rest`, what follows `place` in its own file comes first, when that file or a copy of it
    is found; then everything younger. Otherwise it is those that changed after `since` (seconds
    since the epoch). Left out are files in `skip` (device, inode), and those that begin like one of
    the `known`. Also returns whether the rest was found.
    """
    readers: list[tuple[int, FileReader | ArchiveReader]] = []
    for sibling in _siblings(path):
        if sibling.identity in skip:
            continue
        try:
            readers.append((sibling.changed, _open(sibling.path, str(path))))
        except OSError:
            # Gone in the meantime, or not for us to read.
            continue
    seen = [*known, place.head]
    found: list[FileReader | ArchiveReader] = []
    oldest = int((since - _SLACK_SECONDS) * 1e9)
    match = _continuation(readers, place) if rest else None
    if match is not None:
        oldest, reader = match
        reader.skip(place.offset)
        found.append(reader)
    for changed, reader in readers:
        head = reader.generation.head
        if match is not None and reader is match[1]:
            continue
        # Compressing leaves two files of one content for a moment, and copying does for good.
        if changed < oldest or not head or any(one.begins(head) for one in seen):
            reader.close()
            continue
        found.append(reader)
        seen.append(Fingerprint.of(head))
    return found, match is not None


def heads(path: Path) -> list[Fingerprint]:
    """Return how the older generations of `path` begin that are beside it."""
    found: list[Fingerprint] = []
    try:
        siblings = _siblings(path)
    except OSError:
        return found
    for sibling in siblings:
        try:
            reader = _open(sibling.path, "")
        except OSError:
            continue
        found.append(Fingerprint.of(reader.generation.head))
        reader.close()
    return found


def _continuation(
    readers: Iterable[tuple[int, FileReader | ArchiveReader]], place: Place
) -> tuple[int, FileReader | ArchiveReader] | None:
    compressed = None
    for changed, reader in readers:
        if isinstance(reader, FileReader):
            if place.holds_in(reader.fd):
                return changed, reader
        elif place.head.begins(reader.generation.head):
            compressed = changed, reader
    return compressed


def _open(path: Path, source: str) -> FileReader | ArchiveReader:
    if archive_kind(path):
        return ArchiveReader(path, source)
    return FileReader(path, source)


def _order(mark: str) -> int:
    """Tell the age of two generations that changed in one instant: smaller is older."""
    match = _NUMBER.search(mark)
    number = int(match[1]) if match else 0
    # Numbers grow with age, dates do not.
    return number if number > 19_000_000 else -number
