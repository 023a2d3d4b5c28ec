"""One line about the statistics: which lines they are of, and how far the counting is."""

from rich.text import Text
from textual.app import RenderResult

from console.figures import clock
from console.text import cut, visible
from console.watch.log_statistics import LogStatistics
from console.widgets.ink import Inked

__all__ = ["StatisticsStatus"]


class StatisticsStatus(Inked):
    """Which filter, how much of the log, and since when."""

    def __init__(self, statistics: LogStatistics) -> None:
        super().__init__()
        self._statistics = statistics
        self._drawn: object = None

    def update(self) -> None:
        """Draw the line again if it would not be the same."""
        counted = self._statistics
        drawn = counted.caught_up or int(counted.progress * 100), counted.since, counted.problem
        if drawn != self._drawn:
            self._drawn = drawn
            self.refresh()

    def render(self) -> RenderResult:
        """Draw the line."""
        if self._statistics.caught_up:
            text = Text(" up to date", self.ink("good"))
        else:
            share = int(self._statistics.progress * 100)
            text = Text(f" counting, {share} %", self.ink("warn"))
        wanted = self._statistics.wanted
        if wanted is None:
            text.append("   all lines", self.ink("dim"))
        else:
            room = max(self.size.width - text.cell_len - 24, 12)
            text.append(f"   {cut(visible(wanted.text), room)}", self.ink("accent"))
        if (since := self._statistics.since) is not None:
            text.append(f"   since {clock(since)}", self.ink("warn"))
        if problem := self._statistics.problem:
            text.append(f"   {visible(problem)}", self.ink("bad"))
        return text
