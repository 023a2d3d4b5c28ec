"""Blocks of lines, counted as they come: traffic, errors of a new kind, the console's own polls."""

from collections.abc import Sequence
from typing import Any

from console.lines import LINE_LIMIT
from console.logs.filters.parser import parse
from console.logs.filters.plan import compile as compile_plan
from console.logs.records import decode_line
from console.logs.records.wanted import Columns
from console.logs.sources.block import Block
from console.logs.statistics.signatures import ERROR_LEVELS, ErrorSignature, Signatures
from console.logs.statistics.traffic import Traffic

__all__ = ["Tally"]

_COUNTED = ("level", "status", "time", "duration_ms")
# Above this, a block has a line that is longer than LINE_LIMIT.
_LONG_BLOCK = 1024 * 1024


class Tally:
    """Counts lines by a few of their fields; only errors are looked at in full.

    Lines whose request id begins with `own` are counted in `own_lines` and nowhere else, and those
    that do not match the filter `only` are not counted at all.
    """

    def __init__(self, own: str = "", *, only: str = "") -> None:
        """Raises FilterError."""
        self.traffic = Traffic()
        self.lines = 0
        """How many lines there were, those that are the console's own left out."""
        self.own_lines = 0
        self._own = own
        self._plan = compile_plan(parse(only).whole) if only.strip() else None
        self._signatures = Signatures()
        self._columns = Columns([*_COUNTED, "request_id"] if own else _COUNTED, coarse=True)

    def add(self, block: Block, now: float) -> list[ErrorSignature]:
        """Count lines; return the errors of a kind that was not seen before."""
        lines = block.data.split(b"\n")
        lines.pop()
        if self._plan is not None:
            lines = [lines[number] for number in self._plan.select(block.data)]
        if len(block.data) > _LONG_BLOCK:
            # A line of megabytes would hold the screen up.
            lines = [line[:LINE_LIMIT] for line in lines]
        columns = self._columns.of_lines(lines)
        if self._own:
            lines, columns = self._without_own(lines, columns)
        self.lines += len(lines)
        levels, statuses, times, durations = columns[:4]
        self.traffic.add(times, statuses, durations, now)
        failed = [
            number
            for number, (level, status) in enumerate(zip(levels, statuses, strict=True))
            if level in ERROR_LEVELS or (status or 0) >= 500
        ]
        added = [self._signatures.add(decode_line(lines[number]), now) for number in failed]
        return [signature for signature in added if signature is not None]

    def _without_own(
        self, lines: Sequence[bytes], columns: Sequence[list[Any]]
    ) -> tuple[list[bytes], list[list[Any]]]:
        ids = columns[-1]
        kept = [number for number, each in enumerate(ids) if not (each or "").startswith(self._own)]
        self.own_lines += len(ids) - len(kept)
        if len(kept) == len(ids):
            return list(lines), list(columns)
        return [lines[n] for n in kept], [[column[n] for n in kept] for column in columns]
