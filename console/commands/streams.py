"""Archives, pipes and commands, as one reading of the logs goes through them."""

import math
import os
import select
from collections.abc import Iterator
from pathlib import Path

from console.commands.arguments import Wanted
from console.logs.records.wanted import Columns
from console.logs.sources.archive import ArchiveSource
from console.logs.sources.block import Block
from console.logs.sources.command import CommandSource
from console.logs.sources.source import Source
from console.logs.sources.stream import StreamSource
from console.targets import Command

__all__ = ["StreamInput", "archive", "command", "pipe", "standard_input"]

# A command may end without closing its pipe: it is asked again after so long.
_WAIT_SECONDS = 0.05
_WELL_ENDED = "ended with exit code 0"


class StreamInput:
    """What a source gives until it ends."""

    def __init__(self, source: Source, wanted: Wanted) -> None:
        self.name = source.name
        self.problem = ""
        self._source = source
        self._since = -math.inf if wanted.since is None else wanted.since
        self._until = math.inf if wanted.until is None else wanted.until
        self._limited = wanted.since is not None or wanted.until is not None
        self._columns = Columns(("time",))
        self._time: float | None = None

    def blocks(self) -> Iterator[Block]:
        """Give the lines; of a line longer than WHOLE_LINE the beginning."""
        source = self._source
        try:
            while not self._ended():
                for block in source.poll():
                    yield from self._within(block) if self._limited else (block,)
                if not (source.behind or source.ended):
                    waited = [] if source.waitable is None else [source.waitable]
                    select.select(waited, [], [], _WAIT_SECONDS)
        finally:
            source.close()

    def _ended(self) -> bool:
        source = self._source
        if isinstance(source, CommandSource):
            # It would start again, and tells so.
            if source.news and not source.news[0].startswith(_WELL_ENDED):
                self.problem = source.news[0].partition("; starts again")[0]
            return bool(source.news)
        if isinstance(source, ArchiveSource) and source.state:
            self.problem = source.state
            return True
        return source.ended

    def _within(self, block: Block) -> Iterator[Block]:
        """Give the lines within the limits; one without a time belongs to the line above it."""
        kept: list[bytes] = []
        for line, time in zip(block.lines(), self._columns(block.data)[0], strict=True):
            self._time = self._time if time is None else time
            if self._time is not None and self._since <= self._time < self._until:
                kept.append(line.raw + b"\n")
        if len(kept) == block.line_count:
            yield block
        elif kept:
            data = b"".join(kept)
            yield block._replace(data=data, size=len(data))


def archive(path: Path, wanted: Wanted) -> StreamInput:
    """Return what is in a compressed file."""
    return StreamInput(ArchiveSource(path), wanted)


def command(given: Command, wanted: Wanted) -> StreamInput:
    """Return what a command writes; it is started when it is read."""
    return StreamInput(CommandSource(given.argv), wanted)


def pipe(path: Path, wanted: Wanted) -> StreamInput:
    """Return what comes out of a named pipe. Raises OSError."""
    return StreamInput(StreamSource(os.open(path, os.O_RDONLY | os.O_CLOEXEC), str(path)), wanted)


def standard_input(wanted: Wanted) -> StreamInput:
    """Return what comes from standard input."""
    return StreamInput(StreamSource(), wanted)
