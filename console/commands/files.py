"""Files, as one reading of the logs goes through them."""

from collections.abc import Iterator
from typing import Protocol

from console.commands.arguments import Wanted
from console.logs.files.blocks import SLICE, blocks
from console.logs.files.log_file import LogFile
from console.logs.sources.block import Block

__all__ = ["FileInput", "Input"]

# From so many bytes on it pays to start processes.
_LARGE = 16 * SLICE


class Input(Protocol):
    """A log that is read once, from its beginning to its end."""

    name: str
    problem: str
    """Why some of it is missing; empty when all is well."""

    def blocks(self) -> Iterator[Block]:
        """Give its lines, all that are within the limits of time."""


class FileInput:
    """The lines of a file that begin in `start` to `stop`."""

    def __init__(self, log: LogFile, wanted: Wanted) -> None:
        """Find where the limits of time are. Raises OSError."""
        self.name = str(log.path)
        self.problem = ""
        self.log = log
        self.start, self.stop = 0, log.end
        if wanted.since is None and wanted.until is None:
            return
        # Imported late: most readings have no limits.
        from console.logs.files.times import offset_of_time  # noqa: PLC0415

        if wanted.since is not None:
            self.start = offset_of_time(log, wanted.since)
        if wanted.until is not None:
            self.stop = offset_of_time(log, wanted.until)

    @property
    def large(self) -> bool:
        """Whether it pays to have it read by several processes."""
        return self.stop - self.start > _LARGE

    def blocks(self) -> Iterator[Block]:
        """Give the lines; a line is whole up to 16 MiB."""
        return self.between(self.start, self.stop)

    def between(self, start: int, stop: int) -> Iterator[Block]:
        """Give the lines that begin in `start` to `stop`."""
        try:
            for offset, data in blocks(self.log.descriptor, start, stop, self.log.end):
                whole = data if data.endswith(b"\n") else data + b"\n"
                yield Block(whole, self.name, len(data), offset + len(data))
        except OSError as error:
            self.problem = f"{error.strerror or error}".lower()
