"""One line about the statistics: which lines they are of, and how far the counting is."""

from rich.text import Text
from textual.app import RenderResult

from console.figures import clock
from console.text import cut, visible
from console.watch.log_statistics import LogStatistics
from console.widgets.ink import Inked

__all__ = ["StatisticsStatus"]


class StatisticsStatus(Inked):
    """Looks at the statistics whenever it is drawn."""

    def __init__(self, statistics: LogStatistics) -> None:
        super().__init__()
        self._statistics = statistics
        self._complete = False

    def count_anew(self) -> None:
        """Show that counting begins again."""
        self._complete = False
        self.refresh()

    def render(self) -> RenderResult:
        """Draw the line."""
        progress, problem = self._statistics.progress, self._statistics.problem
        # What comes later is counted at once: nobody need watch that.
        self._complete = self._complete or progress == 1.0
        if self._complete:
            text = Text(" up to date", self.ink("good"))
        else:
            text = Text(f" counting, {int(progress * 100)} %", self.ink("warn"))
        wanted = self._statistics.wanted
        if wanted is None:
            text.append("   all lines", self.ink("dim"))
        else:
            room = max(self.size.width - text.cell_len - 24, 12)
            text.append(f"   {cut(visible(wanted.text), room)}", self.ink("accent"))
        if (since := self._statistics.since) is not None:
            text.append(f"   since {clock(since)}", self.ink("warn"))
        if problem:
            text.append(f"   {visible(problem)}", self.ink("bad"))
        return text
