"""Lines as columns, ready to be counted, and the few that are to be told of in detail."""

from collections.abc import Callable, MutableSequence, Sequence
from typing import NamedTuple

from console.logs.records import Record, wanted
from console.logs.records.grouped import GroupedColumns
from console.logs.records.lines import lines_of
from console.logs.records.times import Runs, as_runs
from console.logs.records.typed import COARSE
from console.logs.statistics.failures import Failing
from console.logs.statistics.kinds import Kind, Kinds
from console.logs.statistics.labels import PlaceCache, label
from console.logs.statistics.moments import moment
from console.logs.statistics.sightings import Sighting

__all__ = ["BlockReader", "Columns", "Pick", "Place", "of_records", "tell"]


class Columns(NamedTuple):
    """Seconds since the epoch as runs, and one value per line in each other but `failing`: numbers
    of `Kinds`, durations in ms. Texts are cut, see COARSE; for one that is missing there is "" or
    None. `failing` are the indexes of lines that tell of an error."""

    times: Runs
    kinds: Sequence[int]
    durations: Sequence[float | None]
    clients: Sequence[str | None]
    users: Sequence[str | int | None]
    failing: Sequence[int]


class Place(NamedTuple):
    """A line and its newline, and where it is: `offset` bytes from the beginning of `source`."""

    line: bytes
    source: str
    offset: int


Pick = Callable[[Sequence[int]], list[Place]]
"""Returns the lines with these indexes, which ascend."""

_SINGLE = ("duration_ms", "client", "user_id")
_KIND = ("level", "method", "route", "status")
_TEXT = 200


def of_records(records: Sequence[Record], kinds: Kinds, places: PlaceCache) -> Columns:
    """Take records apart."""
    numbers = [kinds[_kind(record, places)] for record in records]
    return Columns(
        as_runs(None if record.at is None else record.at // 1 for record in records),
        numbers,
        [record.duration for record in records],
        [record.client[:COARSE] for record in records],
        [record.user_id[:COARSE] for record in records],
        [index for index in kinds.noted(numbers) if kinds.failing[numbers[index]]],
    )


def _kind(record: Record, places: PlaceCache) -> Kind:
    place = record.route[:COARSE] or places[record.path]
    return record.level, record.method[:COARSE], place, record.status


def tell(record: Record, source: str = "", offset: int | None = None) -> Failing:
    """Return what there is to tell of a record, and where its line is."""
    sighting = Sighting(
        at=moment(record.at),
        where=label(record.method, record.route, record.path),
        request_id=record.request_id[:_TEXT],
        status=record.status,
        duration_ms=record.duration,
        source=source,
        offset=offset,
    )
    return Failing(sighting, record.failure, record.event)


class BlockReader:
    """Takes blocks of lines apart. Has a memory of what the lines are like: one per thread."""

    def __init__(self, kinds: Kinds, places: PlaceCache) -> None:
        self._kinds = kinds
        self._places = places
        self._counted = GroupedColumns(_KIND, kinds.__getitem__, _SINGLE)
        self._path = wanted.Columns(["path"])

    def read(
        self, block: bytes, source: str, offset: int, only: Sequence[int] | None
    ) -> tuple[Columns, Pick]:
        """Return the lines of a block, or `only` some. It begins at `offset` of `source`."""
        every = lines_of(block)
        lines = every if only is None else [every[number] for number in only]

        def pick(indexes: Sequence[int]) -> list[Place]:
            numbers = indexes if only is None else [only[index] for index in indexes]
            places: list[Place] = []
            before, start = 0, offset
            for number in numbers:
                start += sum(map(len, every[before:number]))
                before = number
                places.append(Place(every[number], source, start))
            return places

        times, kinds, (durations, clients, users) = self._counted.of_lines(lines)
        noted = self._kinds.noted(kinds)
        self._find_places(kinds, lines, noted)
        failing = [index for index in noted if self._kinds.failing[kinds[index]]]
        return Columns(times, kinds, durations, clients, users, failing), pick

    def _find_places(
        self, kinds: MutableSequence[int], lines: Sequence[bytes], noted: Sequence[int]
    ) -> None:
        """Let requests that have no route be of the kinds of their paths."""
        without = [index for index in noted if self._kinds.unplaced[kinds[index]]]
        if not without:
            return
        (paths,) = self._path.of_lines([lines[index] for index in without])
        for index, path in zip(without, paths, strict=True):
            level, method, _, status = self._kinds.told[kinds[index]]
            kinds[index] = self._kinds[level, method, self._places[path], status]
