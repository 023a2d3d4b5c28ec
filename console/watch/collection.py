"""The files whose lines are shown, through rotation, and what is being found out about them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from console.logs.files.log_file import Change, LogFile
from console.logs.files.workers import Workers
from console.logs.filters.expression import all_of
from console.logs.filters.parser import Filter, parse
from console.logs.sources.block import Block
from console.logs.sources.source import reason
from console.targets import Command
from console.watch.entries import plain_files
from console.watch.part import Part
from console.watch.spool import LIMIT, Spool

__all__ = ["Collection", "Matches"]

# Of a path, so many of the files it has named in turn stay in view.
_GENERATIONS = 2


class Matches(NamedTuple):
    """How many lines were `found` in as much of the log as has been looked at, 0 to 1."""

    found: int
    progress: float


def _nothing() -> None:
    pass


class Collection:
    """Plain files or, when the logs are anything else, a spool with what has come of them.

    `hidden` is a filter for lines that are left out whatever is looked for. `on_change` is called
    from another thread when more has been found out.
    """

    def __init__(
        self, entries: Sequence[Path | Command], *, hidden: str = "", limit: int = LIMIT
    ) -> None:
        self.on_change: Callable[[], None] = _nothing
        self.parts: list[Part] = []
        """What is shown now, the older of two files of the same path first."""
        self.wanted: Filter | None = None
        self.cut_off = 0
        """How often a file was truncated, which leaves nothing of it to be shown."""
        self._hidden = parse(hidden) if hidden else None
        self._hidden_lines = 0
        self._paths = plain_files(entries)
        self._files: list[list[Part]] = [[] for _ in self._paths]
        self._problems: dict[str, str] = {}
        self._workers = Workers()
        self._counting = False
        self._spool: Spool | None = None
        if entries and not self._paths:
            try:
                self._spool = Spool(limit)
                self._files = [[self._part(self._spool.log)]]
            except OSError as error:
                self._problems["spool"] = reason(error)
        self.refresh()

    @property
    def workers(self) -> Workers:
        """The processes that look at the files."""
        return self._workers

    @property
    def shown(self) -> Filter | None:
        """Which lines are shown: what is looked for, without what is hidden. None: all."""
        if self.wanted is None or self._hidden is None:
            return self.wanted or self._hidden
        both = all_of([self.wanted.expression, self._hidden.expression])
        return replace(self.wanted, expression=both)

    @property
    def problem(self) -> str:
        """Why lines are missing; empty while all is well."""
        told = dict(self._problems)
        if self._spool is not None and self._spool.problem:
            told["spool"] = self._spool.problem
        for part in self.parts:
            for scan in (part.search, part.window.index):
                if scan is not None and scan.problem:
                    told[part.log.path.name] = scan.problem
        return "; ".join(f"{name}: {problem}" for name, problem in told.items())

    @property
    def forgotten(self) -> int:
        """How many bytes of the oldest lines are no longer kept."""
        return self._spool.forgotten if self._spool is not None else 0

    @property
    def size(self) -> int:
        """How many bytes the files have."""
        return sum(part.log.end for part in self.parts)

    @property
    def lines(self) -> int | None:
        """How many lines there are, None while that is not known. Raises OSError."""
        counts = [part.lines for part in self.parts]
        known = [count for count in counts if count is not None]
        return sum(known) if len(known) == len(counts) else None

    @property
    def progress(self) -> float:
        """How much of the lines has been counted, 0 to 1."""
        return self._share([part.progress for part in self.parts])

    @property
    def matches(self) -> Matches | None:
        """How many lines were found, hidden ones left out; None when nothing is left out."""
        searches = [part.search for part in self.parts if part.search is not None]
        if len(searches) < len(self.parts) or not searches:
            return None
        count = sum(search.count for search in searches)
        return Matches(count, self._share([search.progress for search in searches]))

    @property
    def complete(self) -> bool:
        """Whether all lines have been counted, and looked at if anything is left out."""
        matches = self.matches
        return self.progress == 1.0 and (matches is None or matches.progress == 1.0)

    @property
    def hidden_lines(self) -> int:
        """How many lines are left out whatever is looked for, as far as is known."""
        if self._hidden is not None and self.wanted is None:
            lines, found = self.lines, self.matches
            if lines is not None and found is not None and found.progress == 1.0:
                self._hidden_lines = max(lines - found.found, 0)
        return self._hidden_lines

    def keep(self, blocks: Iterable[Block]) -> None:
        """Take in lines that cannot be read again where they came from; others are in the files."""
        if self._spool is not None:
            self._spool.add(blocks)

    def count(self) -> None:
        """Begin to count all lines."""
        self._counting = True
        for part in self.parts:
            part.count()

    def refresh(self) -> bool:
        """Take in what was written since; tell whether there was anything, or another file."""
        before = [(part, part.log.end) for part in self.parts]
        if self._spool is not None:
            self._refresh_spool(self._spool)
        for path, parts in zip(self._paths, self._files, strict=False):
            try:
                self._refresh_file(path, parts)
            except OSError as error:
                self._problems[path.name] = reason(error)
        self.parts = [part for parts in self._files for part in parts]
        if self._counting:
            for part in self.parts:
                part.count()
        return before != [(part, part.log.end) for part in self.parts]

    def look_for(self, wanted: Filter | None, eyes: Mapping[Part, int]) -> None:
        """Show only what matches; look around `eyes` first, offsets in the parts. None: all."""
        self.wanted = wanted
        for part in self.parts:
            self._look(part, eyes.get(part))

    def close(self) -> None:
        """End every scan and every process."""
        for part in self.parts:
            part.close()
        self._workers.close()
        if self._spool is not None:
            self._spool.close()

    def _refresh_spool(self, spool: Spool) -> None:
        (part,) = self._files[0]
        if part.log is not spool.log:
            part.close()
            part = self._part(spool.log, before=spool.forgotten)
            self._files[0] = [part]
        part.window.refresh()

    def _refresh_file(self, path: Path, parts: list[Part]) -> None:
        change: Change = "removed"
        for part in list(parts):
            change = part.window.refresh()
            if change == "truncated":
                self.cut_off += 1
                part.close()
                parts.remove(part)
        if not parts or change in {"replaced", "truncated"}:
            try:
                parts.append(self._part(LogFile.open(path)))
            except FileNotFoundError:
                return
            for part in parts[:-_GENERATIONS]:
                part.close()
            del parts[:-_GENERATIONS]
        self._problems.pop(path.name, None)

    def _part(self, log: LogFile, *, before: int = 0) -> Part:
        part = Part(log, self._workers, self._tell, before=before)
        self._look(part, None)
        return part

    def _look(self, part: Part, eye: int | None) -> None:
        try:
            part.look_for(self.shown, eye)
        except OSError as error:
            self._problems[part.log.path.name] = reason(error)

    def _share(self, progress: Sequence[float]) -> float:
        if all(each == 1.0 for each in progress):
            return 1.0
        sizes = [max(part.log.end, 1) for part in self.parts]
        done = sum(size * each for size, each in zip(sizes, progress, strict=True))
        # Rounded up, the last percent would look like all of it.
        return min(done / sum(sizes), 0.99)

    def _tell(self) -> None:
        self.on_change()
