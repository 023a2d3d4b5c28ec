"""Screen 1: how everything is, and what changed."""

from collections.abc import Iterable

from textual.containers import Horizontal, VerticalScroll
from textual.widget import Widget

from console.screens.base import WatchScreen
from console.screens.messages import HealthChanged, OpenLogs, SchemaChanged
from console.widgets.database import DatabasePanel
from console.widgets.feed import FeedList
from console.widgets.instances import InstanceTable
from console.widgets.rows import Rows
from console.widgets.traffic import TrafficPanel

__all__ = ["OverviewScreen"]


class OverviewScreen(WatchScreen):
    """Instances, traffic, database, and the feed that leads to the log lines."""

    NAME = "overview"
    HINTS = (("↑↓", "choose"), ("enter", "log lines"))

    def body(self) -> Iterable[Widget]:
        """The four panels of the overview."""
        instances = VerticalScroll(InstanceTable(self.watched), classes="panel", id="instances")
        instances.border_title = "Instances"
        instances.can_focus = len(self.watched.instances) > 8
        traffic = TrafficPanel(self.watched)
        traffic.add_class("panel")
        traffic.border_title = "Traffic, last 10 s"
        database = DatabasePanel(self.watched)
        database.add_class("panel")
        database.border_title = "Database"
        feed = FeedList(self.watched.feed)
        feed.add_class("panel")
        feed.border_title = "What changed"
        return instances, Horizontal(traffic, database, id="middle"), feed

    def on_mount(self) -> None:
        """Let the seconds of the traffic panel pass, also when nothing is logged."""
        self.set_interval(0.5, self._tick)
        self.query_one(FeedList).focus()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self._tick()

    def on_health_changed(self, message: HealthChanged) -> None:
        """Draw the instances again."""
        super().on_health_changed(message)
        self.query_one(InstanceTable).refresh()
        self.query_one(FeedList).refresh_changes()

    def on_schema_changed(self, _message: SchemaChanged) -> None:
        """Draw the database panel again."""
        self.query_one(DatabasePanel).refresh()
        self.query_one(FeedList).refresh_changes()

    def on_rows_opened(self, message: Rows.Opened) -> None:
        """Go from a change to the log lines around it."""
        change = self.query_one(FeedList).changes[message.index]
        self.post_message(OpenLogs(change.at))

    def _tick(self) -> None:
        self.query_one(TrafficPanel).refresh()
        self.query_one(FeedList).refresh_changes()
