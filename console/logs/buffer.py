"""The newest records, as many as fit."""

from collections import deque
from collections.abc import Iterable

from console.logs.records import Record

__all__ = ["BYTES", "RECORDS", "RecordBuffer"]

RECORDS = 10_000
BYTES = 32 * 1024 * 1024


class RecordBuffer:
    """A queue that forgets its oldest records, bounded in records and in bytes.

    Each record has a number, counted from 0 in the order of arrival. `first` is the number of the
    oldest one kept, which is also how many were dropped; `end` is the number of the next to come.
    """

    def __init__(self, *, records: int = RECORDS, size: int = BYTES) -> None:
        self.first = 0
        self._records: deque[Record] = deque()
        self._limit = records
        self._size_limit = size
        self._size = 0

    @property
    def end(self) -> int:
        """The number that the next record will get; so many have been seen."""
        return self.first + len(self._records)

    def extend(self, records: Iterable[Record]) -> None:
        """Add records and drop the oldest that no longer fit."""
        for record in records:
            self._records.append(record)
            self._size += len(record.raw)
        while len(self._records) > self._limit or self._size > self._size_limit:
            self._size -= len(self._records.popleft().raw)
            self.first += 1

    def since(self, number: int) -> list[tuple[int, Record]]:
        """Return the kept records from `number` on, oldest first, each with its number."""
        wanted = self.end - max(number, self.first)
        found: list[tuple[int, Record]] = []
        for index, record in enumerate(reversed(self._records), start=1):
            if index > wanted:
                break
            found.append((self.end - index, record))
        found.reverse()
        return found
