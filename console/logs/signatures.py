"""Errors that are the same error: one signature, a count, and when it was first seen."""

import re
from dataclasses import dataclass

from console.logs.record import Record, rank

__all__ = ["SIGNATURES", "ErrorSignature", "Signatures"]

SIGNATURES = 200
"""How many different errors are remembered; after that the one silent for longest is forgotten."""

_ERROR_RANK = rank("error")
_NUMBER = re.compile(r"\d+")
_ID = re.compile(r"(?<=/)(\d+|[0-9a-fA-F-]{16,})(?=/|$)")
_TEXT = 200


@dataclass(slots=True)
class ErrorSignature:
    """One kind of error. `first` is in seconds since the epoch."""

    title: str
    where: str
    first: float
    count: int = 0


class Signatures:
    """Groups error records by exception and its place, or by status or event and route."""

    def __init__(self) -> None:
        self._known: dict[str, ErrorSignature] = {}

    def add(self, record: Record, now: float) -> ErrorSignature | None:
        """Count a record; return its signature when it is an error of a kind not seen before."""
        if rank(record.level) < _ERROR_RANK and (record.status or 0) < 500:
            return None
        path = record.route or _ID.sub("…", record.path)
        where = f"{record.method} {path}".strip()[:_TEXT]
        if record.failure:
            # The same exception at the same line is one error, whichever request ran into it.
            title = key = record.failure[:_TEXT]
        else:
            title = f"status {record.status}" if record.status else record.event[:_TEXT]
            key = f"{_NUMBER.sub('…', title)} {where}"
        found = self._known.pop(key, None)
        new = found is None
        signature = found or ErrorSignature(
            title=title, where=where, first=record.at if record.at is not None else now
        )
        signature.count += 1
        # Taken out and put back: the dictionary stays ordered by the last time seen.
        self._known[key] = signature
        if len(self._known) > SIGNATURES:
            del self._known[next(iter(self._known))]
        return signature if new else None
