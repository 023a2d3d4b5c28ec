"""Screen 2: the log."""

import asyncio
import time
from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.timer import Timer
from textual.widget import Widget
from textual.widgets import Input

from console.figures import clock
from console.logs.filters.expression import Comparison
from console.logs.filters.parser import Filter, FilterError, parse, reread
from console.screens.base import WatchScreen
from console.screens.detail import DetailScreen
from console.screens.messages import LogsChanged
from console.screens.sql import SqlScreen
from console.screens.statistics import Lead, Memory, StatisticsScreen
from console.text import visible
from console.watch.refine import least_level, narrowed, toggled, with_least_level
from console.widgets.log_heading import LogHeading
from console.widgets.log_status import LogStatus
from console.widgets.log_view import LogView
from console.widgets.prompt import Prompt

__all__ = ["LogScreen"]

# What a scan has found is shown this often.
_FOUND_SECONDS = 0.06
# Nobody reads counts that change more often.
_STATUS_SECONDS = 0.3
# Processes that count lines are started when there is something on the screen.
_COUNT_AFTER_SECONDS = 0.3
_PROMPTING = ("filter", "time", "sql")
_LEVELS = ("", "info", "warning", "error")


class LogScreen(WatchScreen):
    """Any part of the log, with a line of column names above and one about its state below."""

    NAME = "logs"
    HINTS = (
        ("/", "filter"),
        ("enter", "details"),
        ("G", "follow"),
        ("t", "time"),
        ("s", "statistics"),
        (":", "SQL"),
        ("l", "level"),
        ("r", "request"),
        ("c", "context"),
        ("space", "pause"),
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        # By priority: what is typed right behind them is then for the prompt, not for the list.
        Binding("slash", "filter", "filter", show=False, priority=True),
        Binding("t", "time", "time", show=False, priority=True),
        Binding("escape", "lift", "lift the filter", show=False),
        Binding("space", "pause", "pause", show=False),
        Binding("l", "level", "level", show=False),
        Binding("r", "request", "this request", show=False),
        Binding("c", "context", "context", show=False),
        Binding("s", "statistics", "statistics", show=False),
        Binding("colon", "sql", "SQL", show=False, priority=True),
    ]

    def body(self) -> Iterable[Widget]:
        """Column names, the log, what is typed, the log's state."""
        view = LogView(self.watched.collection, self.watched.field_names)
        return (
            LogHeading(view.strips),
            view,
            Prompt(self.watched.field_names),
            LogStatus(self.watched, view),
        )

    @property
    def log_view(self) -> LogView:
        """The lines."""
        return self.query_one(LogView)

    def on_mount(self) -> None:
        """Begin to show what scans find, and to count."""
        self._found = asyncio.Event()
        loop = asyncio.get_running_loop()

        def on_change() -> None:
            loop.call_soon_threadsafe(self._found.set)

        self.watched.collection.on_change = on_change
        self._told_at = 0.0
        self._statements: list[str] = []
        self._memory = Memory()
        self._tell_later: Timer | None = None
        self.run_worker(self._show_what_is_found(), group="found")
        self.set_timer(_COUNT_AFTER_SECONDS, self.watched.collection.count)
        self.set_focus(self.log_view)

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Leave to the prompt the keys that are typed into it."""
        typing = isinstance(self.focused, Input)
        return not typing if action in _PROMPTING else super().check_action(action, parameters)

    def on_screen_resume(self) -> None:
        """Catch up with the lines that came while another screen was shown."""
        self.watched.collection.refresh()
        self.log_view.update()
        self.query_one(LogHeading).refresh()
        self._tell()

    def on_logs_changed(self, _message: LogsChanged) -> None:
        """Show the newest lines, and what stands in the way of reading."""
        view = self.log_view
        if self.watched.collection.refresh() and not view.pager.held:
            view.update()
        self._tell_soon()

    def on_log_view_moved(self, _message: LogView.Moved) -> None:
        """Tell where the view is now."""
        self._tell()

    def on_log_view_opened(self, _message: LogView.Opened) -> None:
        """Show all of the line under the cursor."""
        self.app.push_screen(DetailScreen(self.watched, self.log_view, self._look_for_text))

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

    def action_statistics(self) -> None:
        """Show what the lines add up to."""
        self.app.push_screen(StatisticsScreen(self.watched, self._memory, self._follow))

    async def action_sql(self) -> None:
        """Ask for a statement; when this returns, it can be typed."""
        await self.app.push_screen(SqlScreen(self.watched, self._statements))

    def _follow(self, lead: Lead) -> None:
        """Show the lines behind a figure."""
        if isinstance(lead, float):
            self.show_time(lead)
        else:
            self._look_for_text(narrowed(self._wanted(), lead))

    def _wanted(self) -> Filter:
        return self.watched.collection.wanted or parse("")

    def _look_for_text(self, text: str) -> None:
        try:
            wanted = reread(text) if text else None
        except FilterError as error:
            # An id in the log may be longer than any filter.
            self.notify(error.message, severity="warning", markup=False)
        else:
            self._look_for(wanted)

    def _look_for(self, wanted: Filter | None) -> None:
        self.log_view.empty = "no lines to show" if wanted is None else "no matches"
        self.log_view.look_for(wanted)
        self._tell()

    async def _show_what_is_found(self) -> None:
        while True:
            await self._found.wait()
            self._found.clear()
            if self.log_view.pager.incomplete:
                self.log_view.update()
            (self._tell if self.watched.collection.complete else self._tell_soon)()
            await asyncio.sleep(_FOUND_SECONDS)

    def _tell_soon(self) -> None:
        rest = self._told_at + _STATUS_SECONDS - time.monotonic()
        if rest <= 0:
            self._tell()
        elif self._tell_later is None:
            # Unless lines come before that: what is drawn with them is drawn for less.
            self._tell_later = self.set_timer(1.5 * _STATUS_SECONDS, self._tell)

    def _tell(self) -> None:
        if self._tell_later is not None:
            self._tell_later.stop()
        self._told_at, self._tell_later = time.monotonic(), None
        self.query_one(LogStatus).refresh()
