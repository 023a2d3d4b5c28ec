"""Screen 2: the log."""

import asyncio
import time
from collections.abc import Iterable
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget
from textual.widgets import Static

from console.figures import clock
from console.logs.filters.expression import Comparison
from console.logs.filters.parser import Filter, parse
from console.screens.base import WatchScreen
from console.screens.detail import DetailScreen
from console.screens.messages import LogsChanged
from console.text import visible
from console.watch.refine import least_level, toggled, with_least_level
from console.widgets.log_columns import Columns
from console.widgets.log_status import LogStatus
from console.widgets.log_view import LogView
from console.widgets.prompt import Prompt

__all__ = ["LogScreen"]

# A frame this often, and when little comes every second one: each costs a few milliseconds.
_FRAME_SECONDS = 0.06
_LITTLE = 32 * 1024
# Nobody reads counts that change more often.
_STATUS_SECONDS = 0.2
# Processes that count lines are started when there is something on the screen.
_COUNT_AFTER_SECONDS = 0.3
_LEVELS = ("", "info", "warning", "error")


class LogScreen(WatchScreen):
    """Any part of the log, with a line of column names above and one about its state below."""

    NAME = "logs"
    HINTS = (
        ("/", "filter"),
        ("enter", "details"),
        ("G", "follow"),
        ("t", "time"),
        ("l", "level"),
        ("r", "request"),
        ("c", "context"),
        ("space", "pause"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "filter", show=False),
        Binding("escape", "lift", "lift the filter", show=False),
        Binding("t", "time", "time", show=False),
        Binding("space", "pause", "pause", show=False),
        Binding("l", "level", "level", show=False),
        Binding("r", "request", "this request", show=False),
        Binding("c", "context", "context", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Column names, the log, what is typed, the log's state."""
        view = LogView(self.watched.collection, self.watched.field_names)
        return (
            Static(id="columns", markup=False),
            view,
            Prompt(self.watched.field_names),
            LogStatus(self.watched, view),
        )

    @property
    def log_view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def on_mount(self) -> None:
        """Begin to look for new lines."""
        self._news = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_change() -> None:
            loop.call_soon_threadsafe(self._news.set)

        self.watched.collection.on_change = on_change
        self._busy = self._left_out = self._untold = False
        self._told_at = 0.0
        self.set_interval(_FRAME_SECONDS, self._frame)
        self.set_timer(_COUNT_AFTER_SECONDS, self.watched.collection.count)
        self.set_focus(self.log_view)

    def on_screen_resume(self) -> None:
        """Catch up with the lines that came while another screen was shown."""
        self.watched.collection.refresh()
        self.log_view.update()

    def on_resize(self) -> None:
        """Name the columns that fit."""
        heading = Columns.fit(self.size.width - 1).heading()
        self.query_one("#columns", Static).update(Text(heading))

    def on_logs_changed(self, _message: LogsChanged) -> None:
        """Tell what stands in the way of reading, soon."""
        self._untold = True

    def on_log_view_moved(self, _message: LogView.Moved) -> None:
        """Tell where the view is now."""
        self._tell()

    def on_log_view_opened(self, message: LogView.Opened) -> None:
        """Show all of one record."""
        self.app.push_screen(DetailScreen(message.record))

    def on_prompt_filtered(self, message: Prompt.Filtered) -> None:
        """Show what matches."""
        self._look_for(message.wanted)

    def on_prompt_timed(self, message: Prompt.Timed) -> None:
        """Go to a time."""
        self.show_time(message.at)

    def on_prompt_closed(self, _message: Prompt.Closed) -> None:
        """Give the keys back to the log."""
        self.set_focus(self.log_view)

    def show_time(self, at: float) -> None:
        """Go to the lines from `at` (seconds since the epoch) on."""
        view = self.log_view
        view.show_time(at)
        first = view.selected
        if first is not None and first.at is not None and not -1 < first.at - at < 60:
            self.notify(visible(f"the nearest line is of {clock(first.at)}"), markup=False)

    def show_everything_from(self, at: float) -> None:
        """Lift the filter and go to a time."""
        self._look_for(None)
        self.show_time(at)

    def action_filter(self) -> None:
        """Ask for a filter, beginning with the one there is."""
        wanted = self.watched.collection.wanted
        self.query_one(Prompt).open("filter", wanted.text if wanted is not None else "")

    def action_lift(self) -> None:
        """Show everything again."""
        self._look_for(None)

    def action_time(self) -> None:
        """Ask for a time."""
        self.query_one(Prompt).open("time", now=self.log_view.pager.newest)

    def action_pause(self) -> None:
        """Hold still or go on."""
        self.log_view.toggle_pause()
        self._tell()

    def action_level(self) -> None:
        """Choose the next least level."""
        wanted = self._wanted()
        level = least_level(wanted)
        following = _LEVELS.index(level) + 1 if level in _LEVELS else 0
        self._look_for_text(with_least_level(wanted, _LEVELS[following % len(_LEVELS)]))

    def action_request(self) -> None:
        """Show one request, or everything again."""
        selected = self.log_view.selected
        if selected is None or not selected.request_id:
            self.notify("this line has no request id", markup=False)
            return
        same = Comparison("request_id", "=", (selected.request_id,))
        self._look_for_text(toggled(self._wanted(), same))

    def action_context(self) -> None:
        """Show the lines around what was found, or only that again."""
        if self.watched.collection.wanted is None:
            self.notify("there is no filter: all lines are shown", markup=False)
        else:
            self.log_view.toggle_context()
            self._tell()

    def _wanted(self) -> Filter:
        return self.watched.collection.wanted or parse("")

    def _look_for_text(self, text: str) -> None:
        # What `10m` meant when it was typed stays what it means.
        self._look_for(parse(text, time.time(), seen=self.watched.field_names) if text else None)

    def _look_for(self, wanted: Filter | None) -> None:
        self.log_view.empty = "no lines to show" if wanted is None else "no matches"
        self.log_view.look_for(wanted)
        self._tell()

    def _frame(self) -> None:
        """Show what has come since the last frame; nothing is drawn when nothing has."""
        if not self.is_current and self.app.screen_stack[0] is not self:
            return
        self._left_out = not self._left_out and not self._busy
        if self._left_out:
            return
        collection = self.watched.collection
        before = collection.size
        grown = collection.refresh()
        self._busy = collection.size - before > _LITTLE
        found = self._news.is_set()
        self._news.clear()
        view = self.log_view
        if (grown and not view.pager.held) or (found and view.pager.incomplete):
            view.update()
        if grown or found:
            self._untold = True
        if self._untold and time.monotonic() - self._told_at >= _STATUS_SECONDS:
            self._tell()

    def _tell(self) -> None:
        self._untold, self._told_at = False, time.monotonic()
        self.query_one(LogStatus).refresh()
