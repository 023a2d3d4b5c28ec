"""Blocks of lines, counted as they come: traffic, errors of a new kind, the console's own polls."""

from itertools import compress

from console.lines import LINE_LIMIT
from console.logs.filters.parser import parse
from console.logs.filters.plan import compile as compile_plan
from console.logs.records import decode_line
from console.logs.records.grouped import GroupedColumns
from console.logs.records.levels import SPELLINGS
from console.logs.records.lines import lines_of
from console.logs.records.times import as_runs, expanded
from console.logs.sources.block import Block
from console.logs.statistics.signatures import ErrorSignature, Signatures, is_error
from console.logs.statistics.traffic import Traffic

__all__ = ["Tally"]

# Above this, a block has a line that is longer than LINE_LIMIT.
_LONG_BLOCK = 1024 * 1024


class _Kinds(dict[tuple[str | None, int | None], int]):
    """Numbers levels, as spelled, with statuses; `failing` tells which of them are of errors."""

    def __init__(self) -> None:
        super().__init__()
        self.statuses: list[int | None] = []
        self.failing: list[bool] = []

    def __missing__(self, kind: tuple[str | None, int | None]) -> int:
        spelled, status = kind
        number = self[kind] = len(self.statuses)
        self.statuses.append(status)
        self.failing.append(is_error(SPELLINGS.get(spelled or "", ""), status))
        return number


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
        self._kinds = _Kinds()
        self._columns = GroupedColumns(
            ("level", "status"),
            self._kinds.__getitem__,
            ["duration_ms", "request_id"] if own else ["duration_ms"],
        )

    def add(self, block: Block, now: float) -> list[ErrorSignature]:
        """Count lines; return the errors of a kind that was not seen before."""
        lines = lines_of(block.data)
        if self._plan is not None:
            lines = [lines[number] for number in self._plan.select(block.data)]
        if len(block.data) > _LONG_BLOCK:
            # A line of megabytes would hold the screen up.
            lines = [line[:LINE_LIMIT] for line in lines]
        runs, kinds, (durations, *ids) = self._columns.of_lines(lines)
        kept = [n for each in ids for n, name in enumerate(each) if not self._is_own(name)]
        if ids and len(kept) < len(lines):
            self.own_lines += len(lines) - len(kept)
            times = expanded(runs)
            runs = as_runs([times[number] for number in kept])
            kinds, durations = [kinds[n] for n in kept], [durations[n] for n in kept]
            lines = [lines[number] for number in kept]
        self.lines += len(lines)
        statuses = list(map(self._kinds.statuses.__getitem__, kinds))
        self.traffic.add(runs, statuses, durations, now)
        failed = compress(lines, map(self._kinds.failing.__getitem__, kinds))
        added = [
            self._signatures.add(decode_line(line.removesuffix(b"\n")), now) for line in failed
        ]
        return [signature for signature in added if signature is not None]

    def _is_own(self, request_id: str | None) -> bool:
        return (request_id or "").startswith(self._own)
