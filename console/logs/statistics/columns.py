"""Lines as columns, ready to be counted, and the few that are to be told of in detail."""

from collections.abc import Callable, Sequence
from itertools import accumulate
from typing import NamedTuple

from console.logs.records import Record, wanted
from console.logs.statistics.failures import Failing
from console.logs.statistics.labels import label
from console.logs.statistics.moments import moment
from console.logs.statistics.sightings import Sighting

__all__ = ["BlockReader", "Columns", "Pick", "Place", "of_records", "tell"]


class Columns(NamedTuple):
    """One value per line in each; times in seconds since the epoch, durations in milliseconds."""

    times: Sequence[float | None]
    levels: Sequence[str]
    statuses: Sequence[int | None]
    methods: Sequence[str]
    routes: Sequence[str]
    paths: Sequence[str]
    durations: Sequence[float | None]
    clients: Sequence[str]
    users: Sequence[str]


class Place(NamedTuple):
    """A line, and where it is: `offset` bytes from the beginning of `source`."""

    line: bytes
    source: str
    offset: int


Pick = Callable[[Sequence[int]], list[Place]]
"""Returns the lines with these indexes."""

_COUNTED = (
    "time",
    "level",
    "status",
    "method",
    "route",
    "path",
    "duration_ms",
    "client",
    "user_id",
)
_TOLD = (
    "time",
    "status",
    "method",
    "route",
    "path",
    "duration_ms",
    "request_id",
    "exception",
    "message",
)
_TEXT = 200


def of_records(records: Sequence[Record]) -> Columns:
    """Take records apart."""
    return Columns(
        [record.at for record in records],
        [record.level for record in records],
        [record.status for record in records],
        [record.method for record in records],
        [record.route for record in records],
        [record.path for record in records],
        [record.duration for record in records],
        [record.client for record in records],
        [record.user_id for record in records],
    )


def tell(record: Record) -> Failing:
    """Return what there is to tell of a record."""
    sighting = Sighting(
        at=moment(record.at),
        where=label(record.method, record.route, record.path),
        request_id=record.request_id[:_TEXT],
        status=record.status,
        duration_ms=record.duration,
    )
    return Failing(sighting, record.failure, record.event)


class BlockReader:
    """Takes blocks of lines apart. Has a memory of what the lines are like: one per thread."""

    def __init__(self) -> None:
        self._counted = wanted.Columns(_COUNTED)
        self._told = wanted.Columns(_TOLD)

    def read(
        self, block: bytes, source: str, offset: int, only: Sequence[int] | None
    ) -> tuple[Columns, Pick]:
        """Return the lines of a block, or `only` some. It begins at `offset` of `source`."""
        every = block.split(b"\n")
        if not every[-1]:
            every.pop()
        lines = every if only is None else [every[number] for number in only]

        def pick(indexes: Sequence[int]) -> list[Place]:
            # Each line begins behind all lines before it and their newlines.
            ends = list(accumulate(map(len, every), initial=offset))
            numbers = indexes if only is None else [only[index] for index in indexes]
            return [Place(every[number], source, ends[number] + number) for number in numbers]

        return Columns(*self._counted.of_lines(lines)), pick

    def tell(self, places: Sequence[Place]) -> list[Failing]:
        """Return what there is to tell of lines; some hundreds at a time are told fastest."""
        told = self._told.of_lines([place.line for place in places])
        return [
            Failing(
                Sighting(
                    at=moment(at),
                    where=label(method, route, path),
                    request_id=request_id[:_TEXT],
                    status=status,
                    duration_ms=duration,
                    source=place.source,
                    offset=place.offset,
                ),
                failure,
                event,
            )
            for (
                place,
                at,
                status,
                method,
                route,
                path,
                duration,
                request_id,
                failure,
                event,
            ) in zip(places, *told, strict=True)
        ]
