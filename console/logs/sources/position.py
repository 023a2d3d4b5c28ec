"""Where reading stopped, found again after a restart, after a rotation and inside copies."""

import hashlib
import os
import threading
import time
from pathlib import Path
from typing import Annotated, NamedTuple

import msgspec

from console.logs.sources.block import HEAD, LAST, Block, Generation

__all__ = ["Fingerprint", "Place", "Positions"]

_SAVE_SECONDS = 1.0


class Fingerprint(NamedTuple):
    """What bytes were, without keeping them: a log's content does not belong in a state folder."""

    size: Annotated[int, msgspec.Meta(ge=0, le=LAST)] = 0
    digest: str = ""

    @classmethod
    def of(cls, data: bytes) -> "Fingerprint":
        """Return the fingerprint of all of `data`."""
        return cls(len(data), hashlib.blake2b(data, digest_size=16).hexdigest())

    def begins(self, data: bytes) -> bool:
        """Whether `data` begins with these bytes; of none it is never known."""
        return 0 < self.size <= len(data) and self == Fingerprint.of(data[: self.size])


class Place(msgspec.Struct, frozen=True):
    """An offset in a file that can be told from others of its name.

    `head` is its beginning, `before` what stands right before `offset`; either may be of no bytes,
    when nothing is known. `at` is when it was noted, in seconds since the epoch.
    """

    device: int
    inode: int
    offset: Annotated[int, msgspec.Meta(ge=0, lt=2**62)]
    head: Fingerprint
    before: Fingerprint
    at: Annotated[float, msgspec.Meta(ge=0, lt=2**33)]

    def holds_in(self, fd: int) -> bool:
        """Whether the file behind `fd` has this place; a copy of the file has it too."""
        try:
            return self._holds_in(fd)
        except OSError:
            return False

    def _holds_in(self, fd: int) -> bool:
        found = os.fstat(fd)
        if not self.head.size:
            # The file was empty: nothing but its inode is known.
            return (found.st_dev, found.st_ino) == (self.device, self.inode)
        if not self.head.begins(os.pread(fd, HEAD, 0)) or found.st_size < self.offset:
            return False
        start = max(self.offset - self.before.size, 0)
        return not self.before.size or self.before.begins(os.pread(fd, self.before.size, start))


class Positions:
    """The places up to which lines were handed over, kept in a folder, a small file per source.

    What was handed over after the last save comes again when the console is killed; nothing is
    left out, and after an ordinary end nothing is repeated.
    """

    def __init__(self, folder: Path) -> None:
        self.problem = ""
        self._folder = folder
        self._latest: dict[str, Block] = {}
        self._lock = threading.Lock()
        self._saving = threading.Lock()
        self._saved_at = time.monotonic()

    def load(self, name: str) -> Place | None:
        """Return where the source `name` was left, None when that is not known."""
        try:
            return msgspec.json.decode(self._path(name).read_bytes(), type=Place)
        except (OSError, msgspec.MsgspecError):
            # A file torn by a power cut is as good as none: reading starts at the tail.
            return None

    def note(self, block: Block) -> None:
        """Remember that everything up to the end of `block` was handed over."""
        with self._lock:
            self._latest[block.source] = block

    def save(self, *, now: bool = False) -> None:
        """Write what is new, at most once a second unless `now`; a failure is `problem`."""
        if not self._latest or (not now and time.monotonic() - self._saved_at < _SAVE_SECONDS):
            return
        self._saved_at = time.monotonic()
        with self._lock:
            latest, self._latest = self._latest, {}
        with self._saving:
            self._save(latest)

    def _save(self, latest: dict[str, Block]) -> None:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            for name, block in latest.items():
                if block.generation is not None:
                    self._write(name, block, block.generation)
        except OSError as error:
            self.problem = f"the place in the log cannot be saved: {error.strerror}".lower()
        else:
            self.problem = ""

    def _write(self, name: str, block: Block, generation: Generation) -> None:
        path = self._path(name)
        partial = path.with_suffix(f".{os.getpid()}")
        partial.write_bytes(msgspec.json.encode(_place(block, generation)))
        partial.replace(path)

    def _path(self, name: str) -> Path:
        digest = hashlib.blake2b(os.fsencode(Path(name).absolute()), digest_size=10).hexdigest()
        return self._folder / f"{digest}.json"


def _place(block: Block, generation: Generation) -> Place:
    return Place(
        device=generation.device,
        inode=generation.inode,
        offset=block.end,
        head=Fingerprint.of(generation.head),
        before=Fingerprint.of(block.data[-LAST:]) if block.whole else Fingerprint(),
        at=time.time(),
    )
