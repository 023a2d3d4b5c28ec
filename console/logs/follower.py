"""The thread that reads: it polls the sources and hands batches of lines over."""

import os
import select
import threading
import time
from collections.abc import Callable, Iterable
from glob import has_magic
from pathlib import Path

from console.lines import Line
from console.logs.records.wanted import Columns
from console.logs.sources.archive import ArchiveSource, archive_kind
from console.logs.sources.block import Block
from console.logs.sources.command import CommandSource
from console.logs.sources.file import FileSource
from console.logs.sources.folder import Folder
from console.logs.sources.handover import HandOver
from console.logs.sources.merge import WINDOW_SECONDS, Merger, Times
from console.logs.sources.position import Place, Positions
from console.logs.sources.source import Source
from console.logs.sources.stream import StreamSource
from console.targets import Command

__all__ = ["Follower"]

_ACTIVE_SECONDS = 0.04
# The first line after a silence waits no longer than this; with very many files, somewhat longer:
# looking at them may take so small a part of the time.
_IDLE_SECONDS = 0.05
_IDLEST_SECONDS = 0.2
_IDLE_SHARE = 200
_IDLE_AFTER_SECONDS = 1.0
# A pipe is left to fill for this long after it woke the reader: few large reads cost less.
_GATHER_SECONDS = 0.01


class Follower:
    """Follows any number of sources in a thread; the other methods are for other threads.

    An entry is a file, a folder, a glob pattern, a compressed file, `-` for standard input, or a
    command. Lines of several sources are put in the order of their times, which are those of the
    records unless `times` tells others; `window` is how many seconds a line may wait for that. With
    a `state` folder, reading goes on where it stopped when a follower with that folder ran last.
    """

    def __init__(
        self,
        entries: Iterable[Path | Command],
        *,
        times: Times | None = None,
        window: float = WINDOW_SECONDS,
        state: Path | None = None,
    ) -> None:
        self.on_blocks: Callable[[], None] = lambda: None
        """Called from the thread that reads when there is something to take."""
        self.pace = _ACTIVE_SECONDS
        """How many seconds may pass between two looks at files while lines come."""
        self._positions = Positions(state) if state is not None else None
        self._opened = [self._open(entry) for entry in dict.fromkeys(entries)]
        self._sources: tuple[Source, ...] = ()
        self._merger = Merger(times or _times_of_records(), window=window)
        self._handover = HandOver()
        self._failure = ""
        self._stop = threading.Event()
        self._wake_read, self._wake_write = os.pipe()
        self._thread = threading.Thread(target=self._run, name="log-follower", daemon=True)

    def start(self) -> None:
        """Begin to read."""
        if self._opened:
            self._thread.start()
        else:
            self._handover.close()

    def stop(self) -> None:
        """End the thread, close the files and end the commands; what was read can still be had."""
        self._stop.set()
        os.write(self._wake_write, b"\0")
        self._handover.close()
        if self._thread.is_alive():
            self._thread.join()
        for opened in self._opened:
            opened.close()
        os.close(self._wake_read)
        os.close(self._wake_write)
        self.save()

    def take(self, lines: int, timeout: float = 0.0) -> list[Block]:
        """Return at most `lines` lines not fetched yet; waits up to `timeout` seconds for some."""
        blocks = self._handover.take(lines, timeout)
        if self._positions is not None:
            for block in blocks:
                self._positions.note(block)
        return blocks

    def drain(self, limit: int) -> list[Line]:
        """Return at most `limit` lines read and not yet fetched, oldest first."""
        return [line for block in self.take(limit) for line in block.lines()]

    def save(self) -> None:
        """Save how far the lines were fetched, if this follower was given a `state` folder."""
        if self._positions is not None:
            self._positions.save(now=True)

    @property
    def ended(self) -> bool:
        """Whether every line was fetched and no source will ever have another."""
        return self._handover.ended

    @property
    def truncations(self) -> int:
        """How often a file was truncated in place; lines written just before may be lost."""
        return sum(each.truncations for each in self._every())

    @property
    def late(self) -> int:
        """How often a source's lines came too late to be put where they belong."""
        return self._merger.late

    @property
    def states(self) -> list[tuple[str, str]]:
        """What stands in the way of which source; empty when all is well."""
        told = [(each.name, each.state) for each in self._every()]
        told.append(("log reader", self._failure))
        if self._positions is not None:
            told.append(("position", self._positions.problem))
        return [(name, state) for name, state in told if state]

    def news(self) -> list[tuple[str, str]]:
        """Return what happened to which source since the last call, such as a truncation."""
        told: list[tuple[str, str]] = []
        for each in self._every():
            while each.news:
                told.append((each.name, each.news.popleft()))
        return told

    def _every(self) -> tuple[Source | Folder, ...]:
        return tuple(dict.fromkeys((*self._opened, *self._sources)))

    def _open(self, entry: Path | Command) -> Source | Folder:
        if isinstance(entry, Command):
            return CommandSource(entry.argv)
        if str(entry) == "-":
            return StreamSource()
        if entry.is_dir() or (has_magic(str(entry)) and not entry.exists()):
            return Folder(entry, resume=self._place)
        if archive_kind(entry):
            return ArchiveSource(entry, place=self._place(str(entry)))
        return FileSource(entry, place=self._place(str(entry)))

    def _place(self, name: str) -> Place | None:
        return self._positions.load(name) if self._positions is not None else None

    def _members(self) -> tuple[Source, ...]:
        """Return every single source there is now; one that is named twice is read once."""
        members: dict[str, Source] = {}
        for opened in self._opened:
            for source in opened.members() if isinstance(opened, Folder) else (opened,):
                members.setdefault(source.name, source)
        return tuple(members.values())

    def _run(self) -> None:
        try:
            self._follow()
        except Exception as error:
            # A screen that stands still and says nothing would be taken for a quiet night.
            self._failure = f"stopped by an error in the console: {error!r}"
        finally:
            self._handover.close()

    def _follow(self) -> None:
        busy_at = time.monotonic()
        while not self._stop.is_set():
            if self._handover.full:
                self._handover.wait_for_room(_IDLEST_SECONDS)
                continue
            now = time.monotonic()
            self._sources = self._members()
            blocks = self._read(now)
            if blocks:
                self._handover.put(blocks)
                self.on_blocks()
            if self._positions is not None:
                self._positions.save()
            if not any(isinstance(each, Folder) or not each.ended for each in self._opened):
                return
            if blocks:
                busy_at = now
            if not any(source.behind for source in self._sources):
                busy = self._merger.held or now - busy_at < _IDLE_AFTER_SECONDS
                spent = time.monotonic() - now
                idle = min(max(spent * _IDLE_SHARE, _IDLE_SECONDS), _IDLEST_SECONDS)
                self._wait(self.pace if busy else idle)

    def _read(self, now: float) -> list[Block]:
        sources, merger = self._sources, self._merger
        if len(sources) == 1 and not merger.held:
            return sources[0].poll()
        # What has more to say and was not heard yet is read first: all others wait for it.
        unheard = [each for each in sources if _hurries(each) and merger.lacks(each.name)]
        for source in unheard or sources:
            merger.add(source.poll(), now)
        awaited = [each.name for each in sources if not each.ended]
        return merger.take(now, awaited, [each.name for each in sources if _hurries(each)])

    def _wait(self, seconds: float) -> None:
        poll = select.poll()
        poll.register(self._wake_read, select.POLLIN)
        for source in self._sources:
            if source.waitable is not None:
                poll.register(source.waitable, select.POLLIN)
        if poll.poll(seconds * 1000):
            self._stop.wait(_GATHER_SECONDS)


def _hurries(source: Source) -> bool:
    return source.behind and not source.overlong


def _times_of_records() -> Times:
    columns = Columns(("time",))
    return lambda data: columns(data)[0]
