"""Counts lines as fast as they can be decoded.

No statement is executed per line: columns are zipped into tuples and counted by C, and only the few
different ones are looked at, once in a while. Lines that are named in the result, those of errors
and of the slowest requests, are decoded a second time, with everything that is to be told of them.
"""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from operator import add

import msgspec

from console.logs.records import Record, decode_line
from console.logs.records.times import expanded
from console.logs.statistics.columns import BlockReader, Columns, Place, of_records, tell
from console.logs.statistics.failures import Failing
from console.logs.statistics.kinds import STEP, Kinds
from console.logs.statistics.labels import PlaceCache, named
from console.logs.statistics.sightings import SLOWEST
from console.logs.statistics.sketch import NO_BUCKET, BucketCache, bucket_of
from console.logs.statistics.state import State
from console.logs.statistics.summary import Summary, summarise

__all__ = ["Statistics"]

# So many different tuples or names wait to be looked at, and so many lines of errors, which make
# about so many bytes at most.
_PENDING = 16_384
_FAILING = 512
_HELD = 4 * 1024 * 1024
_decoder = msgspec.msgpack.Decoder(State)


class Statistics:
    """What is counted of a stream of lines; see State. Bounded in memory, whatever is fed.

    Lines come as records or as blocks of a file. Statistics of parts, in whatever order they are
    merged, are those of the whole: exactly as long as there is room for all names, and within the
    bounds told by Tally, Routes, Failures and Sketch beyond that.
    """

    def __init__(self) -> None:
        self._state = State()
        # How often each kind came with each bucket.
        self._requests: Counter[int] = Counter()
        self._kinds = Kinds()
        self._clients: Counter[str | int | None] = Counter()
        self._users: Counter[str | int | None] = Counter()
        # Lines of errors: decoding them again has its price, which is paid once for many.
        self._failing_lines: list[Place] = []
        self._failing_size = 0
        self._places = PlaceCache()
        self._buckets = BucketCache()
        self._reader = BlockReader(self._kinds, self._places)

    def reset(self) -> None:
        """Forget everything."""
        self._state = State()
        self._forget_pending()

    def add(self, records: Sequence[Record]) -> None:
        """Count records."""
        columns = of_records(records, self._kinds, self._places)
        slow = self._count(columns)
        self._state.failures.add([tell(records[index]) for index in columns.failing])
        self._state.slowest.add([tell(records[index]).sighting for index in slow])
        self._settle_if_much()

    def add_block(
        self,
        block: bytes,
        *,
        source: str = "",
        offset: int = 0,
        only: Sequence[int] | None = None,
    ) -> None:
        """Count the lines of a block: whole lines, each but perhaps the last with its newline.

        `source` and `offset` tell where the block begins; of its lines, counted from 0, `only` some
        can be chosen, in ascending order.
        """
        columns, pick = self._reader.read(block, source, offset, only)
        slow = self._count(columns)
        if columns.failing:
            places = pick(columns.failing)
            self._failing_lines += places
            self._failing_size += sum(len(place.line) for place in places)
            if len(self._failing_lines) > _FAILING or self._failing_size > _HELD:
                self._settle_failing()
        if slow:
            self._state.slowest.add([_tell(place).sighting for place in pick(sorted(slow))])
        self._settle_if_much()

    def merge(self, other: "Statistics") -> None:
        """Add everything that `other` has counted."""
        self._state.merge(other.state)

    def encode(self) -> bytes:
        """Return everything counted, for `decode` in another process."""
        return msgspec.msgpack.encode(self.state)

    @classmethod
    def decode(cls, encoded: bytes) -> "Statistics":
        """Return the statistics that were encoded."""
        statistics = cls()
        statistics._state = _decoder.decode(encoded)
        return statistics

    @property
    def state(self) -> State:
        """All counts, up to date."""
        self._settle()
        return self._state

    def summary(self, *, top: int = 20, bars: int = 60) -> Summary:
        """Return what there is to tell: at most `top` of each list, and about `bars` bars."""
        return summarise(self.state, top=top, bars=bars)

    def _count(self, columns: Columns) -> list[int]:
        """Count lines; return which of them are slow enough to be told of."""
        times, kinds, durations, clients, users, _ = columns
        moods = bytes(map(self._kinds.moods.__getitem__, kinds))
        start = 0
        for at, lines in times:
            self._state.timeline.add(at, moods[start : start + lines])
            start += lines
        buckets = list(map(self._buckets.__getitem__, durations))
        self._requests.update(map(add, map(self._kinds.firsts.__getitem__, kinds), buckets))
        self._clients.update(clients)
        self._users.update(users)
        least = self._state.slowest.least
        # Most blocks have none.
        return self._slow(columns, least) if max(buckets, default=0) >= bucket_of(least) else []

    def _slow(self, columns: Columns, least: float) -> list[int]:
        slow = [
            (duration, at or 0.0, index)
            for index, (duration, at, kind) in enumerate(
                zip(columns.durations, expanded(columns.times), columns.kinds, strict=True)
            )
            if duration is not None and duration >= least and self._kinds.told[kind][3] is not None
        ]
        return [index for *_, index in heapq.nlargest(SLOWEST, slow)]

    def _settle_if_much(self) -> None:
        if max(len(self._kinds), len(self._requests)) > _PENDING:
            self._settle_requests()
        if max(len(self._clients), len(self._users)) > _PENDING:
            self._settle_names()

    def _settle(self) -> None:
        self._settle_requests()
        self._settle_names()
        self._settle_failing()

    def _settle_requests(self) -> None:
        levels, statuses = self._state.levels, self._state.statuses
        kinds = [
            (level, named(method, place), status)
            for level, method, place, status in self._kinds.told
        ]
        for number, times in self._requests.items():
            kind, bucket = divmod(number - NO_BUCKET, STEP)
            level, name, status = kinds[kind]
            levels[level] = levels.get(level, 0) + times
            if status is not None:
                statuses[status] = statuses.get(status, 0) + times
                self._state.routes.add(name, status, bucket + NO_BUCKET, times)
        self._state.routes.make_room()
        self._requests.clear()
        self._kinds.clear()

    def _settle_names(self) -> None:
        self._state.clients.add(_names(self._clients))
        self._state.users.add(_names(self._users))
        self._clients.clear()
        self._users.clear()

    def _settle_failing(self) -> None:
        if self._failing_lines:
            self._state.failures.add(map(_tell, self._failing_lines))
            self._failing_lines.clear()
            self._failing_size = 0

    def _forget_pending(self) -> None:
        for pending in (self._requests, self._clients, self._users, self._failing_lines):
            pending.clear()
        self._kinds.clear()
        self._failing_size = 0


def _tell(place: Place) -> Failing:
    return tell(decode_line(place.line.removesuffix(b"\n")), place.source, place.offset)


def _names(counts: Mapping[str | int | None, int]) -> Mapping[str, int]:
    """Return the names that there are as texts; the same one may be told as a number, too."""
    texts = {name: times for name, times in counts.items() if type(name) is str and name}
    for name, times in counts.items():
        if type(name) is int:
            texts[str(name)] = texts.get(str(name), 0) + times
    return texts
