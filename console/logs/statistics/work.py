"""The job by which worker processes count files in parts; see `console.logs.files.fold`."""

from console.logs.filters.parser import reread
from console.logs.filters.plan import compile as compile_plan
from console.logs.statistics.statistics import Statistics

__all__ = ["FUNCTION", "StatisticsWork"]

FUNCTION = f"{__name__}:StatisticsWork"
"""How a Job names it."""


class StatisticsWork:
    """Counts the lines of a file that match a filter, for `Statistics.decode`.

    `text` is the filter, "" for all lines; `source` is the file's name, told of single lines.
    """

    def __init__(self, text: str = "", source: str = "") -> None:
        """Raises FilterError."""
        self._plan = compile_plan(reread(text).whole) if text else None
        self._source = source
        self._statistics = Statistics()

    def add(self, block: bytes, offset: int) -> None:
        """Take in a block of whole lines that begins at `offset`."""
        only = self._plan.select(block) if self._plan else None
        self._statistics.add_block(block, source=self._source, offset=offset, only=only)

    def take(self) -> bytes:
        """Return what was counted since the last call, encoded, and start from nothing."""
        encoded = self._statistics.encode()
        self._statistics.reset()
        return encoded
