"""Errors that are the same error, and the moment when one of a new kind appears."""

from dataclasses import dataclass
from typing import NamedTuple

from console.logs.records import LEVELS, Record, rank
from console.logs.statistics.labels import fold, label

__all__ = ["SIGNATURES", "ErrorSignature", "Signature", "Signatures", "is_error", "signature"]

SIGNATURES = 200
"""How many different errors are remembered; after that the one silent for longest is forgotten."""

_ERROR_LEVELS = frozenset(level for level in LEVELS if rank(level) >= rank("error"))

_TEXT = 200


@dataclass(slots=True)
class ErrorSignature:
    """One kind of error. `first` is in seconds since the epoch."""

    title: str
    where: str
    first: float
    count: int = 0


class Signature(NamedTuple):
    """The name of a kind of error, and as much of it as does not tell where it happened."""

    name: str
    title: str


def is_error(level: str, status: int | None) -> bool:
    """Tell whether a line with this level, one of LEVELS or "", and this status tells of an
    error."""
    return level in _ERROR_LEVELS or (status is not None and status >= 500)


def signature(failure: str, status: int | None, event: str, where: str) -> Signature:
    """Return which kind of error it is that happened at `where`."""
    if failure:
        # The same exception at the same line is one error, whichever request ran into it.
        return Signature(failure[:_TEXT], failure[:_TEXT])
    title = f"status {status}" if status else fold(event)
    return Signature(f"{title} {where}".rstrip(), title)


class Signatures:
    """Groups error records by exception and its place, or by status or event and route."""

    def __init__(self) -> None:
        self._known: dict[str, ErrorSignature] = {}

    def add(self, record: Record, now: float) -> ErrorSignature | None:
        """Count a record; return its signature when it is an error of a kind not seen before."""
        if not is_error(record.level, record.status):
            return None
        where = label(record.method, record.route, record.path)
        name, title = signature(record.failure, record.status, record.event, where)
        found = self._known.pop(name, None)
        new = found is None
        known = found or ErrorSignature(
            title=title, where=where, first=record.at if record.at is not None else now
        )
        known.count += 1
        # Taken out and put back: the dictionary stays ordered by the last time seen.
        self._known[name] = known
        if len(self._known) > SIGNATURES:
            del self._known[next(iter(self._known))]
        return known if new else None
