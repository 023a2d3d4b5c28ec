"""Some fields of lines, as JSON."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from console.commands.rendering import SOURCE
from console.logs.filters.fields import canonical
from console.logs.records.wanted import Columns

__all__ = ["JsonFields", "iso"]


class JsonFields:
    """An object with some fields; null for one that a line does not have."""

    def __init__(self, names: Sequence[str]) -> None:
        self._names = names
        self._columns = Columns([canonical(name) for name in names if name != SOURCE])

    def lines(self, lines: Sequence[bytes], source: str) -> bytes:
        """Return one object a line."""
        found = iter(zip(self._columns.names, self._columns.of_lines(lines), strict=True))
        columns: list[Sequence[Any]] = []
        for name in self._names:
            if name == SOURCE:
                columns.append([source] * len(lines))
                continue
            field, values = next(found)
            columns.append([iso(at) for at in values] if field == "time" else values)
        rows = zip(*columns, strict=True)
        return b"".join([_encode(dict(zip(self._names, row, strict=True))) + b"\n" for row in rows])

    def beginning(self, line: bytes, size: int, source: str) -> bytes:  # noqa: ARG002
        """Return what the beginning tells."""
        return self.lines([line], source)


def iso(at: float | None) -> str | None:
    """Return a time in UTC, to the millisecond; None where there is none."""
    if at is None:
        return None
    try:
        moment = datetime.fromtimestamp(round(at, 3), UTC)
    except (ValueError, OverflowError, OSError):
        return None
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03}Z"


def _encode(row: dict[str, Any]) -> bytes:
    row = {name: None if value == "" else value for name, value in row.items()}
    try:
        return msgspec.json.encode(row)
    except (msgspec.MsgspecError, RecursionError, UnicodeEncodeError, OverflowError):
        # There are texts, numbers and nestings that can be read but not written.
        return msgspec.json.encode({name: _plain(value) for name, value in row.items()})


def _plain(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "backslashreplace").decode()
    return value if isinstance(value, int | float) and abs(value) < 2**63 else None
