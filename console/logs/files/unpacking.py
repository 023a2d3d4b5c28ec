"""A compressed log, unpacked in the background so that it can be read by offset."""

import os
import tempfile
import threading
from collections.abc import Callable
from pathlib import Path

from console.logs.files.log_file import LogFile
from console.logs.sources.archive import archive_kind, decompressed

__all__ = ["Unpacking"]

_CHUNK = 256 * 1024
_LIMIT = 32 * 1024**3
# A console must not be what fills the disk of the machine it watches.
_RESERVE = 1024**3
# How often the free space is looked at.
_CHECKED = 64 * 1024 * 1024


def _nothing() -> None:
    pass


class Unpacking:
    """A gz, bz2, xz or zst file as a LogFile that grows while it is unpacked.

    It grows in a file without a name, which is gone with the last reference to `log`, in $TMPDIR or
    /var/tmp (a /tmp is often memory); to at most `limit` bytes, and as long as `reserve` bytes of
    the disk stay free. `on_change` is called, from another thread, after each chunk.
    """

    def __init__(
        self,
        path: Path,
        *,
        folder: Path | None = None,
        limit: int = _LIMIT,
        reserve: int = _RESERVE,
        on_change: Callable[[], None] = _nothing,
    ) -> None:
        """Begin. Raises OSError when the file cannot be opened, or nothing unpacks it."""
        self.state = "unpacking 0 %"
        """In a few words what is going on or went wrong; empty when all of it is there."""
        self.done = False
        self._limit = limit
        self._reserve = reserve
        self._on_change = on_change
        self._stop = threading.Event()
        self._file = path.open("rb")
        try:
            self._stream = decompressed(self._file, archive_kind(path))
            self._size = max(os.fstat(self._file.fileno()).st_size, 1)
            with tempfile.TemporaryFile(dir=folder or _folder()) as made:
                self._target = os.dup(made.fileno())
                self.log = LogFile(os.dup(made.fileno()), path)
        except OSError:
            self._file.close()
            raise
        self._thread = threading.Thread(target=self._run, name="log-unpacking", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop unpacking; what is there stays readable."""
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        try:
            self.state = self._unpack()
        except OSError as error:
            self.state = f"not all of it could be unpacked: {error.strerror or error}".lower()
        except Exception as error:  # the decoders raise half a dozen unrelated types
            self.state = f"broken from here on: {error}".lower()
        finally:
            self._stream.close()
            self._file.close()
            os.close(self._target)
            # The last line is one even without a newline: nothing comes after it.
            self.log.whole = self.done = True
            self._on_change()

    def _unpack(self) -> str:
        written = checked = 0
        # Not read(): an error would take what was decompressed before it along.
        while chunk := self._stream.read1(_CHUNK):
            if written >= checked:
                checked = written + _CHECKED
                found = os.fstatvfs(self._target)
                if found.f_bavail * found.f_frsize < self._reserve + _CHECKED:
                    return f"only the first {written >> 20:,} MiB: the disk is nearly full"
            if written + len(chunk) > self._limit:
                return f"only the first {written >> 20:,} MiB: it is larger than the limit"
            if self._stop.is_set():
                return f"only the first {written >> 20:,} MiB: stopped"
            written += self._write(chunk, written)
            self.state = f"unpacking {100 * self._file.tell() // self._size} %"
            self._on_change()
        return ""

    def _write(self, chunk: bytes, offset: int) -> int:
        written = 0
        while written < len(chunk):
            written += os.pwrite(self._target, chunk[written:], offset + written)
        return written


def _folder() -> str | None:
    large = "/var/tmp"  # noqa: S108 - the file made there has no name
    return None if "TMPDIR" in os.environ or not os.access(large, os.W_OK) else large
