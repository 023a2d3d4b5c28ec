"""What the lines of the log add up to, and the way from each figure to its lines."""

import asyncio
import time
from collections.abc import Callable, Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.logs.filters.errors import FilterError
from console.logs.filters.expression import Expression
from console.logs.statistics.sections import Kind
from console.logs.statistics.sightings import Sighting
from console.screens.base import WatchScreen
from console.watch.leads import lines_behind
from console.watch.log_statistics import LogStatistics
from console.watch.watch import Watch
from console.widgets.histogram import HistogramChart
from console.widgets.rows import Rows
from console.widgets.statistics_list import StatisticsList
from console.widgets.statistics_status import StatisticsStatus

__all__ = ["Lead", "Memory", "StatisticsScreen"]

Lead = Expression | float
"""A filter for the lines behind a figure, or their time in seconds since the epoch."""

_SECONDS = 0.25


class Memory:
    """What was counted when the screen was left, and where the cursor was: whoever comes back from
    the lines of one error wants to see those of the next."""

    def __init__(self) -> None:
        self.statistics: LogStatistics | None = None
        self.place: tuple[Kind | None, str] = (None, "")


class StatisticsScreen(WatchScreen):
    """Counts while it is open, from where the last one has left off; where Enter leads is told to
    `follow`."""

    NAME = "logs"
    HINTS = (
        ("enter", "its lines"),
        ("tab ←→", "bars"),
        ("R", "from now on"),
        ("a", "all again"),
        ("esc", "log"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,s", "dismiss", "back", show=False),
        Binding("R", "reset", "from now on", show=False),
        Binding("a", "all", "all again", show=False),
    ]

    def __init__(self, watch: Watch, memory: Memory, follow: Callable[[Lead], None]) -> None:
        super().__init__(watch)
        self._memory = memory
        self._follow = follow
        known = memory.statistics
        if known is None or not known.current:
            known = LogStatistics(watch.collection)
            memory.place = (None, "")
        self._statistics = known
        self._figures = StatisticsList()
        self._figures.place = memory.place
        self._drawn = (0, 0)

    def body(self) -> Iterable[Widget]:
        """Bars, lists, and how far the counting is."""
        return HistogramChart(), self._figures, StatisticsStatus(self._statistics)

    def on_mount(self) -> None:
        """Show figures as they come."""
        self.set_interval(_SECONDS, self._look)
        self._figures.focus()
        self._look()

    def on_unmount(self) -> None:
        """Break off what is still being counted, or else remember it."""
        statistics = self._statistics
        statistics.close()
        kept = statistics.complete and statistics.since is None
        self._memory.statistics = statistics if kept else None
        self._memory.place = self._figures.place

    def on_resize(self) -> None:
        """Have as many bars as there is room for."""
        self._look()

    def on_rows_opened(self, _message: Rows.Opened) -> None:
        """Go to the lines behind a figure."""
        chosen = self._figures.chosen
        if chosen is None:
            return
        kind, item = chosen
        try:
            found: Lead | None = lines_behind(kind, item)
        except FilterError:
            found = None
        if found is None and isinstance(item, Sighting) and item.at is not None:
            found = item.at.timestamp()
        if found is None:
            self.notify("there is no filter for this", markup=False)
        else:
            self._leave(found)

    def on_histogram_chart_opened(self, message: HistogramChart.Opened) -> None:
        """Go to the lines of a time."""
        self._leave(message.at)

    def action_reset(self) -> None:
        """Count only what comes from now on."""
        self._statistics.reset(time.time())
        self._look()

    def action_all(self) -> None:
        """Count everything again."""
        self._statistics.restart()
        self._look()

    def _leave(self, lead: Lead) -> None:
        self.dismiss()
        self._follow(lead)

    def _look(self) -> None:
        self._statistics.refresh()
        self.query_one(StatisticsStatus).update()
        state = self._statistics.changes, self.query_one(HistogramChart).room
        if state != self._drawn:
            self._drawn = state
            self.run_worker(self._draw(), group="summary", exclusive=True)

    async def _draw(self) -> None:
        chart = self.query_one(HistogramChart)
        summary = await asyncio.to_thread(self._statistics.summary, chart.room)
        if summary.lines or self._statistics.caught_up:
            chart.show(summary.histogram)
            self._figures.show(summary)
