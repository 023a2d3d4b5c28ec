"""The live log: a window onto the record buffer that follows, or stays where one reads."""

from bisect import bisect_left
from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType

from console.logs.buffer import RecordBuffer
from console.logs.records import LEVELS, Record, rank
from console.widgets.log_columns import Columns
from console.widgets.rows import Rows

__all__ = ["LEVEL_FILTERS", "LogView"]

LEVEL_FILTERS = ("all", "info", "warning", "error")


class LogView(Rows):
    """Shows the records that pass the level and request filters, newest at the bottom.

    Paused, it shows nothing new; not following, it only no longer scrolls.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("end,G,f", "follow", "follow", show=False),
    ]

    def __init__(self, records: RecordBuffer) -> None:
        super().__init__(id="log", empty="no lines to show")
        self.rows: list[tuple[int, Record]] = []
        self.level = "all"
        self.request_id = ""
        self.paused = False
        self.following = True
        self._records = records
        self._next = 0
        self._unseen_from = 0
        self._columns = Columns.fit(80)

    @property
    def row_count(self) -> int:
        """How many records pass the filters."""
        return len(self.rows)

    @property
    def unseen(self) -> int:
        """How many rows arrived below the screen since following stopped."""
        if self.following:
            return 0
        return len(self.rows) - bisect_left(self.rows, self._unseen_from, key=lambda row: row[0])

    @property
    def waiting(self) -> int:
        """How many lines arrived since the pause began, whether they pass the filters or not."""
        return self._records.end - self._next

    @property
    def selected(self) -> Record | None:
        """The record under the cursor."""
        return self.rows[self.cursor][1] if self.rows else None

    def take_records(self) -> None:
        """Show what is new in the buffer; rows it has forgotten leave at the top."""
        if self.paused:
            return
        new = self._records.since(self._next)
        self._next = self._records.end
        self.rows += [row for row in new if self._passes(row[1])]
        gone = bisect_left(self.rows, self._records.first, key=lambda row: row[0])
        if gone:
            del self.rows[:gone]
            self.cursor = max(self.cursor - gone, 0)
        top = max(round(self.scroll_y) - gone, 0)
        self.update_rows()
        if self.following:
            self._to_end()
        elif gone:
            self.scroll_to(y=top, animate=False)

    def show_time(self, at: float) -> None:
        """Lift the filters and go to the first record from `at` (seconds since the epoch) on."""
        self.paused = False
        self.level, self.request_id = "all", ""
        self._rebuild()
        self._stop_following()
        found = (i for i, (_, record) in enumerate(self.rows) if (record.at or 0.0) >= at)
        index = next(found, len(self.rows) - 1)
        self.move_cursor(index)
        self.scroll_to(y=max(index - self.size.height // 3, 0), animate=False)

    def cycle_level(self) -> None:
        """Ask for the next higher least level, and after "error" for all again."""
        following = LEVEL_FILTERS.index(self.level) + 1
        self.level = LEVEL_FILTERS[following % len(LEVEL_FILTERS)]
        self._keep_place()

    def toggle_request(self) -> bool:
        """Show only the request of the row under the cursor, or everything again.

        Returns False when that row belongs to no request.
        """
        if self.request_id:
            self.request_id = ""
        elif self.selected is not None and self.selected.request_id:
            self.request_id = self.selected.request_id
        else:
            return False
        self._keep_place()
        return True

    def toggle_pause(self) -> None:
        """Hold the picture still, or catch up."""
        self.paused = not self.paused
        self.take_records()

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """Draw a record in columns."""
        del width
        return self._columns.draw(self.rows[index][1], self.ink)

    def move_cursor(self, index: int) -> None:
        """Move as every list does; moving up stops the following."""
        if index < self.row_count - 1:
            self._stop_following()
        super().move_cursor(index)

    def action_follow(self) -> None:
        """Go to the newest record and stay with it."""
        self.following = True
        self.move_cursor(self.row_count - 1)
        self._to_end()

    def watch_scroll_y(self, old_value: float, new_value: float) -> None:
        """Stop following when the mouse scrolls up; what comes into view has been seen."""
        super().watch_scroll_y(old_value, new_value)
        if new_value < old_value and round(new_value) < self.max_scroll_y:
            self._stop_following()
        bottom = round(new_value) + self.size.height
        if 0 < bottom <= len(self.rows):
            self._unseen_from = max(self._unseen_from, self.rows[bottom - 1][0] + 1)

    def on_resize(self) -> None:
        """Choose the columns for the new width."""
        self._columns = Columns.fit(self.scrollable_content_region.width)
        super().on_resize()
        if self.following:
            self._to_end()

    def _passes(self, record: Record) -> bool:
        if self.request_id and record.request_id != self.request_id:
            return False
        return self.level == "all" or rank(record.level) >= LEVELS.index(self.level)

    def _rebuild(self) -> None:
        # Paused, what has come since stays out of the picture under another filter, too.
        self._next = self._next if self.paused else self._records.end
        kept = self._records.since(0)
        self.rows = [row for row in kept if row[0] < self._next and self._passes(row[1])]
        self.update_rows()

    def _keep_place(self) -> None:
        """Filter again, and stay at the record under the cursor or the nearest one after it."""
        number = self.rows[self.cursor][0] if self.rows else 0
        height = self.cursor - round(self.scroll_y)
        self._rebuild()
        if self.following:
            self._to_end()
            return
        index = bisect_left(self.rows, number, key=lambda row: row[0])
        super().move_cursor(index)
        self.scroll_to(y=max(self.cursor - height, 0), animate=False)

    def _to_end(self) -> None:
        self.cursor = max(self.row_count - 1, 0)
        self.scroll_to(y=self.max_scroll_y, animate=False)
        self.refresh()

    def _stop_following(self) -> None:
        if self.following:
            self.following = False
            self._unseen_from = self._next
