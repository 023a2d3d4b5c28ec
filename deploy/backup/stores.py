"""Where backups lie: a folder, or a bucket of any store that speaks S3.

What is being written has another name, or none, until it is whole.
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Protocol

from deploy.backup.problems import BackupError, UsageError

SMALL = 16 * 1024 * 1024
_PARTIAL = ".partial"


class Reader(Protocol):
    """What bytes are read from."""

    def read(self, size: int = -1, /) -> bytes: ...


class Writer(Protocol):
    """What bytes are written to."""

    def write(self, data: bytes, /) -> int: ...
    def flush(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Entry:
    """A file in the store. `partial`: it was begun and not finished."""

    name: str
    size: int
    modified: datetime
    partial: bool = False


class Store(Protocol):
    """Files by name. Everything blocks, has a time limit, and raises `BackupError`."""

    def entries(self) -> list[Entry]:
        """Every file, those that were never finished among them."""

    def writing(self, name: str) -> AbstractContextManager[Writer]:
        """A new file, which appears whole on leaving the block, or not at all after an error."""

    def reading(self, name: str) -> AbstractContextManager[Reader]:
        """A file's content, as a stream."""

    def local(self, name: str) -> Path | None:
        """Where the file is on this machine, if it is."""

    def delete(self, entry: Entry) -> None:
        """Removes the file; one that is gone already is no error."""

    def free(self) -> int | None:
        """How many bytes there is room for; None where nobody knows."""


def open_store(place: str) -> Store:
    """The store of a BACKUP_STORE. Raises `UsageError`."""
    if not place:
        raise UsageError("BACKUP_STORE is not set: name a folder or s3://bucket/prefix")
    if place.startswith("s3://"):
        from deploy.backup.s3 import S3Store  # noqa: PLC0415 - a folder does without boto3

        return S3Store.of(place)
    if "://" in place:
        raise UsageError("BACKUP_STORE must be a folder or s3://bucket/prefix")
    return FolderStore(Path(place))


def read_small(store: Store, name: str) -> bytes:
    """The whole of a file that has no business being large."""
    with store.reading(name) as source:
        data = source.read(SMALL + 1)
        while len(data) <= SMALL and (more := source.read(SMALL + 1 - len(data))):
            data += more
    if len(data) > SMALL:
        raise BackupError(f"{name} is larger than {SMALL // 1024**2} MiB: it is no such file")
    return data


def write_small(store: Store, name: str, data: bytes) -> None:
    """A whole file."""
    with store.writing(name) as out:
        out.write(data)


@dataclass(frozen=True)
class FolderStore:
    """A folder, made at need, that only its owner can look into."""

    folder: Path

    def entries(self) -> list[Entry]:
        """Every file; none when there is no such folder yet."""
        found = []
        with _told(self.folder):
            if not self.folder.is_dir():
                return []
            for path in self.folder.iterdir():
                if path.is_file() and not path.is_symlink():
                    status = path.stat()
                    modified = datetime.fromtimestamp(status.st_mtime, UTC)
                    name = path.name.removesuffix(_PARTIAL)
                    found.append(Entry(name, status.st_size, modified, name != path.name))
        return found

    @contextmanager
    def writing(self, name: str) -> Iterator[Writer]:
        """Writes beside, makes sure of the disk, and renames."""
        partial = self.folder / f"{name}{_PARTIAL}"
        with _told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with _told(partial), os.fdopen(descriptor, "wb") as file:
                yield file
                file.flush()
                os.fsync(descriptor)
            with _told(partial):
                partial.rename(self.folder / name)
                self._sync()
        except BaseException:
            partial.unlink(missing_ok=True)
            raise

    @contextmanager
    def reading(self, name: str) -> Iterator[BinaryIO]:
        """The file, opened."""
        with _told(self.folder / name), (self.folder / name).open("rb") as file:
            yield file

    def local(self, name: str) -> Path | None:
        """The file's path."""
        return self.folder / name

    def delete(self, entry: Entry) -> None:
        """Unlinks it."""
        with _told(self.folder):
            name = f"{entry.name}{_PARTIAL}" if entry.partial else entry.name
            (self.folder / name).unlink(missing_ok=True)
            self._sync()

    def free(self) -> int | None:
        """What the file system has left for us."""
        with _told(self.folder):
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            return shutil.disk_usage(self.folder).free

    def _sync(self) -> None:
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise BackupError(f"{path} is not there") from None
    except OSError as error:
        raise BackupError(f"{path}: {error.strerror or error}") from error
