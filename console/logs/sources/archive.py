"""Compressed logs: streamed in bounded memory, read once."""

import bz2
import gzip
import importlib
import lzma
import os
import sys
from collections import deque
from pathlib import Path
from typing import Any, BinaryIO

from console.logs.sources.block import HEAD, SLICE, Block, Generation
from console.logs.sources.block_reader import BlockReader
from console.logs.sources.position import Place
from console.logs.sources.reader import open_regular
from console.logs.sources.source import NEWS, reason

__all__ = ["SUFFIXES", "ArchiveReader", "ArchiveSource", "archive_kind", "decompressed"]

SUFFIXES = (".gz", ".bz2", ".xz", ".zst")
_MAGIC = {b"\x1f\x8b": ".gz", b"BZh": ".bz2", b"\xfd7zXZ\x00": ".xz", b"\x28\xb5\x2f\xfd": ".zst"}


def archive_kind(path: Path) -> str:
    """Return the one of SUFFIXES that its content asks for, or its name if it cannot be read."""
    by_name = path.suffix if path.suffix in SUFFIXES else ""
    try:
        fd = open_regular(path)
    except OSError:
        return by_name
    try:
        begin = os.read(fd, 8)
    except OSError:
        return by_name
    finally:
        os.close(fd)
    return next((kind for magic, kind in _MAGIC.items() if begin.startswith(magic)), "")


class ArchiveReader(BlockReader):
    """A compressed file, read like the log that it was; offsets are those of its content.

    Raises OSError when it cannot be opened. Broken content ends it early: `problem` says so.
    """

    def __init__(self, path: Path, source: str) -> None:
        file = os.fdopen(open_regular(path), "rb")
        try:
            self._stream = decompressed(file, archive_kind(path))
        except OSError:
            file.close()
            raise
        found = os.fstat(file.fileno())
        self.problem = ""
        self._file = file
        self._begin = b""
        while len(self._begin) < HEAD and (more := self._read(HEAD - len(self._begin))):
            self._begin += more
        self._skip = 0
        super().__init__(source, Generation(found.st_dev, found.st_ino, self._begin))

    def skip(self, offset: int) -> None:
        """Leave out everything before `offset`, where a line begins."""
        self._skip = self._given = offset

    def read(self) -> list[Block]:
        """Return the lines that the next slice completes."""
        chunk = self._begin or self._read(SLICE)
        self._begin = b""
        self.at_end = not chunk
        if self._skip:
            skipped = min(self._skip, len(chunk))
            self._skip -= skipped
            chunk = chunk[skipped:]
        return self._blocks(self._splitter.feed(chunk))

    def restart(self) -> None:
        """Never needed: what is compressed is not truncated."""

    def close(self) -> None:
        """Close the file."""
        self._stream.close()
        self._file.close()

    def _read(self, size: int) -> bytes:
        try:
            # Not read(): an error would take what was decompressed before it along.
            data: bytes = self._stream.read1(size)
        except Exception as error:  # the decoders raise half a dozen unrelated types
            self.problem = f"broken archive: {error}".lower()
            return b""
        return data


class ArchiveSource:
    """A compressed log that is read once, from its start or from `place`, and then ended."""

    waitable = None
    truncations = 0

    def __init__(self, path: Path, *, place: Place | None = None) -> None:
        self.name = str(path)
        self.state = ""
        self.news: deque[str] = deque(maxlen=NEWS)
        self.ended = False
        self._path = path
        self._place = place
        self._reader: ArchiveReader | None = None

    @property
    def behind(self) -> bool:
        """Whether there is more to read."""
        return self._reader is not None

    @property
    def overlong(self) -> bool:
        """Whether it is inside a line longer than LINE_LIMIT."""
        return self._reader is not None and self._reader.overlong

    def poll(self) -> list[Block]:
        """Return the lines of the next slice."""
        if self.ended:
            return []
        if self._reader is None:
            try:
                self._reader = self._open()
            except FileNotFoundError:
                self.state = "no such file yet"
                return []
            except OSError as error:
                self.state = reason(error)
                return []
        blocks = self._reader.read()
        if self._reader.at_end:
            blocks += self._reader.finish()
            self.state, self.ended = self._reader.problem, True
            self.close()
        return blocks

    def close(self) -> None:
        """Close the file."""
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    def _open(self) -> ArchiveReader:
        reader = ArchiveReader(self._path, self.name)
        self.state = ""
        if self._place is not None and self._place.head.begins(reader.generation.head):
            reader.skip(self._place.offset)
        return reader


def decompressed(file: BinaryIO, kind: str) -> Any:
    """Return a stream of a file's content; `kind` is one of SUFFIXES, gzip for any other.

    The stream has `read1()` and `close()`; it raises whatever the decoder of that kind raises.
    Raises OSError when the decoder is not installed.
    """
    if kind == ".bz2":
        return bz2.BZ2File(file)
    if kind == ".xz":
        return lzma.LZMAFile(file)
    if kind == ".zst":
        return _zstd(file)
    return gzip.GzipFile(fileobj=file, mode="rb")


def _zstd(file: BinaryIO) -> Any:
    if sys.version_info >= (3, 14):
        return importlib.import_module("compression.zstd").ZstdFile(file)
    try:
        zstandard = importlib.import_module("zstandard")
    except ModuleNotFoundError as error:
        raise OSError(0, "needs the zstandard package: quartermaster[console-zst]") from error
    return zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
