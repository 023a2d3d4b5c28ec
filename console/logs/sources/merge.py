"""Lines of several sources, put in the order of their times."""

import heapq
from collections import deque
from collections.abc import Callable, Iterable, Sequence

from console.logs.sources.block import Block

__all__ = ["HELD_BYTES", "HELD_LINES", "WINDOW_SECONDS", "Merger", "Times"]

WINDOW_SECONDS = 0.5
"""How long a line waits for an earlier one of a source that has nothing to say."""
HELD_LINES = 20_000
HELD_BYTES = 8 * 1024 * 1024

Times = Callable[[bytes], Sequence[float | None]]
"""Tells of a block's data the time of each line, in seconds since the epoch, None without one."""


class Merger:
    """Holds lines back until no source can have an earlier one, or WINDOW_SECONDS at most.

    The lines of one source stay in their order, and a line without a time stays with the one before
    it. What comes too late is given when it comes; `late` counts how often that was so.
    """

    def __init__(
        self,
        times: Times,
        *,
        window: float = WINDOW_SECONDS,
        lines: int = HELD_LINES,
        size: int = HELD_BYTES,
    ) -> None:
        self.late = 0
        self.held = 0
        """How many lines are held."""
        self._times = times
        self._window = window
        self._limit = lines
        self._size_limit = size
        self._size = 0
        self._streams: dict[str, deque[_Run]] = {}
        # The key of each stream's first line, as a heap.
        self._heads: list[tuple[float, str]] = []
        self._last: dict[str, float] = {}
        self._given = float("-inf")

    def lacks(self, source: str) -> bool:
        """Whether no line of `source` is held."""
        return source not in self._streams

    def add(self, blocks: Iterable[Block], now: float) -> None:
        """Take in blocks that arrived at `now` (seconds of any clock that only goes forward)."""
        for block in blocks:
            run = _Run(block, self._keys(block), now)
            if block.source not in self._streams:
                self._streams[block.source] = deque()
                heapq.heappush(self._heads, (run.keys[0], block.source))
            self._streams[block.source].append(run)
            self.held += len(run.keys)
            self._size += len(block.data)

    def take(self, now: float, sources: Iterable[str], behind: Iterable[str] = ()) -> list[Block]:
        """Return what is due at `now`, when lines may still come from `sources`.

        Of those that are `behind` there is more to be read at once: nothing gets ahead of them.
        """
        awaited, unheard = set(sources), set(behind)
        if unheard - self._streams.keys():
            return []
        missing = bool(awaited - self._streams.keys())
        until = now - self._window
        due = sum(run.arrived <= until for runs in self._streams.values() for run in runs)
        blocks: list[Block] = []
        while self._streams and (
            due or not missing or self.held > self._limit or self._size > self._size_limit
        ):
            run, block = self._next()
            blocks.append(block)
            if run.at == len(run.keys):
                due -= run.arrived <= until
            if self.lacks(block.source):
                missing = missing or block.source in awaited
                if block.source in unheard:
                    break
        return blocks

    def _next(self) -> tuple["_Run", Block]:
        """Take the earliest line, and those after it in its source that come before any other."""
        name = self._heads[0][1]
        runs = self._streams[name]
        run = runs[0]
        begin = run.at
        block = run.take(min(self._heads[1:3])[0] if len(self._heads) > 1 else float("inf"))
        self.late += run.keys[begin] < self._given
        self._given = run.keys[run.at - 1]
        self.held -= run.at - begin
        self._size -= len(block.data)
        if run.at == len(run.keys):
            runs.popleft()
        if runs:
            heapq.heapreplace(self._heads, (runs[0].keys[runs[0].at], name))
        else:
            heapq.heappop(self._heads)
            del self._streams[name]
        return run, block

    def _keys(self, block: Block) -> list[float]:
        key = self._last.get(block.source, float("-inf"))
        keys = [key := (key if time is None else time) for time in self._times(block.data)]
        self._last[block.source] = key
        return keys


class _Run:
    """A block of which the lines before `at` were given already."""

    def __init__(self, block: Block, keys: list[float], arrived: float) -> None:
        self.keys = keys
        self.arrived = arrived
        self.at = 0
        self._block = block
        self._lines = block.data.split(b"\n")
        self._given = block.end - block.size

    def take(self, until: float) -> Block:
        """Return the next line, and those right after it that are not later than `until`."""
        keys, begin, end = self.keys, self.at, self.at + 1
        while end < len(keys) and keys[end] <= until:
            end += 1
        self.at = end
        if end - begin == len(keys):
            return self._block
        data = b"\n".join(self._lines[begin:end]) + b"\n"
        last = self._block.end if end == len(keys) else self._given + len(data)
        block = self._block._replace(data=data, size=last - self._given, end=last)
        self._given = last
        return block
