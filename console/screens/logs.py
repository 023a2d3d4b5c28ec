"""Screen 2: the live log."""

from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.screens.base import WatchScreen
from console.screens.detail import DetailScreen
from console.screens.messages import LogsChanged
from console.text import visible
from console.widgets.figures import clock
from console.widgets.log_columns import Columns
from console.widgets.log_status import LogStatus
from console.widgets.log_view import LogView
from console.widgets.rows import Rows

__all__ = ["LogScreen"]


class LogScreen(WatchScreen):
    """The log's tail, with a line of column names above and one about its state below."""

    NAME = "logs"
    HINTS = (
        ("space", "pause"),
        ("l", "level"),
        ("enter", "details"),
        ("r", "this request"),
        ("G", "follow"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("space", "pause", "pause", show=False),
        Binding("l", "level", "level", show=False),
        Binding("r", "request", "this request", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Column names, the log, its state."""
        view = LogView(self.watched.records)
        return Static(id="columns", markup=False), view, LogStatus(self.watched, view)

    @property
    def log_view(self) -> LogView:
        """The list of records."""
        return self.query_one(LogView)

    def on_mount(self) -> None:
        """Keep the state line fresh even when no line arrives."""
        self.set_interval(0.5, self._refresh_status)
        self.log_view.focus()

    def on_screen_resume(self) -> None:
        """Catch up with the lines that came while another screen was shown."""
        self.log_view.take_records()

    def on_resize(self) -> None:
        """Name the columns that fit."""
        heading = Columns.fit(self.size.width - 1).heading()
        self.query_one("#columns", Static).update(Text(heading))

    def on_logs_changed(self, _message: LogsChanged) -> None:
        """Show the new lines, one refresh for all of them."""
        self.log_view.take_records()
        self._refresh_status()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Show all of one record."""
        self.app.push_screen(DetailScreen(self.log_view.rows[message.index][1]))

    def show_time(self, at: float) -> None:
        """Go to the lines from `at` (seconds since the epoch) on."""
        view = self.log_view
        view.show_time(at)
        first = view.rows[0][1].at if view.rows else None
        if first is not None and at < first - 1:
            self.notify(visible(f"the lines in memory begin at {clock(first)}"), markup=False)
        self._refresh_status()

    def action_pause(self) -> None:
        """Hold still or go on."""
        self.log_view.toggle_pause()
        self._refresh_status()

    def action_level(self) -> None:
        """Choose the next least level."""
        self.log_view.cycle_level()
        self._refresh_status()

    def action_request(self) -> None:
        """Show one request, or everything again."""
        if not self.log_view.toggle_request():
            self.notify("this line has no request id", markup=False)
        self._refresh_status()

    def _refresh_status(self) -> None:
        self.query_one(LogStatus).refresh()
