"""The log: a screenful of lines that follows its end, or stays where one reads."""

from collections.abc import Callable
from math import ceil
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.events import Click, MouseScrollDown, MouseScrollUp
from textual.geometry import Region
from textual.message import Message
from textual.strip import Strip

from console.logs.filters.parser import Filter
from console.logs.filters.seen import FieldNames
from console.logs.records import Record, decode
from console.watch.collection import Collection
from console.watch.pager import Pager, Row
from console.widgets.ink import Inked
from console.widgets.log_strips import LogStrips

__all__ = ["LogView"]

_WHEEL = 3


class LogView(Inked, can_focus=True):
    """Draws the rows of a pager, with a cursor; the last column tells where in the log they are.

    Its own rows are all there is in memory, however long the log is.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G,f", "follow", "follow", show=False),
        Binding("enter", "open", "details", show=False),
    ]
    ALLOW_SELECT = False

    class Opened(Message):
        """Enter was pressed on a line, or it was clicked twice."""

    class Moved(Message):
        """Other lines were gone to, or another one is chosen."""

    def __init__(self, collection: Collection, names: FieldNames) -> None:
        super().__init__(id="log")
        self.pager = Pager(collection)
        self.cursor = 0
        self._above = 0
        self.empty = "no lines to show"
        self.strips = LogStrips(self, names)
        self._thumb = range(0)

    @property
    def following(self) -> bool:
        """Whether the newest lines are shown, whatever comes."""
        return self.pager.following

    @property
    def selected(self) -> Record | None:
        """The record under the cursor."""
        row = self.selected_row
        return decode(row.line) if row is not None else None

    @property
    def selected_row(self) -> Row | None:
        """The row under the cursor."""
        rows = self.pager.rows
        return rows[min(self.cursor, len(rows) - 1)] if rows else None

    def update(self) -> None:
        """Look again at what is to be shown; call once per frame."""
        chosen = self.selected_row
        rows = self.pager.show(self._height)
        if self.following:
            self.cursor = self._above = len(rows) - 1
        elif chosen is not None:
            same = (n for n, row in enumerate(rows) if row[:2] == chosen[:2])
            self.cursor = next(same, self.cursor)
        self._settle()

    def look_for(self, wanted: Filter | None) -> None:
        """Show only what matches, or everything, and stay at the line under the cursor."""
        self._keep_place(lambda: self.pager.look_for(wanted))

    def toggle_context(self) -> None:
        """Show all lines around what was found, or only that again; stay at the same line."""
        self._keep_place(lambda: self.pager.show_context(context=not self.pager.context))

    def toggle_pause(self) -> None:
        """Hold the picture still, or go on."""
        if self.pager.held:
            self.action_follow()
        else:
            self.pager.hold()
            self.update()

    def show_time(self, at: float) -> None:
        """Go to the first line at or after a time, with some of those before it."""
        found = self.pager.to_time(at, self._height)
        if self.pager.rows:
            self.put(self.pager.rows[found], self._height // 3)
            self._moved()

    def put(self, row: Row, above: int) -> None:
        """Show a line, or the next one, with so many lines above it, and choose it."""
        self.cursor = self.pager.place(row, above, self._height)
        self._settle()

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw some lines. Without a border, the framework has nothing to add to them."""
        strips = [self.render_line(y) for y in crop.line_range]
        if crop.column_span != (0, self.size.width):
            strips = [strip.crop(*crop.column_span) for strip in strips]
        return strips

    def render_line(self, y: int) -> Strip:
        """Draw line `y`."""
        rows = self.pager.rows
        if y >= len(rows):
            text = self.empty if y == 0 and not rows else ""
            return self.strips.whole([(text, "dim")], thumb=y in self._thumb)
        strip = self.strips.line(rows[y], thumb=y in self._thumb)
        if y == self.cursor and self.has_focus:
            return self.strips.chosen(strip)
        return strip

    def action_move(self, lines: int) -> None:
        """Move the cursor; at the edge of the screen, the lines move instead."""
        if not self.pager.rows:
            return
        last = len(self.pager.rows) - 1
        wanted = self.cursor + lines
        beyond = wanted if wanted < 0 else max(wanted - last, 0)
        if lines < 0 and not beyond:
            self.pager.stop()
        if beyond:
            self.action_scroll(beyond)
        self.cursor = max(min(wanted, len(self.pager.rows) - 1), 0)
        self._moved()

    def action_page(self, pages: int) -> None:
        """Move by screenfuls."""
        before = self.pager.rows
        self.action_scroll(pages * max(self._height - 1, 1))
        if self.pager.rows == before:
            # There is no more in that direction.
            self.cursor = 0 if pages < 0 else max(len(before) - 1, 0)
            self._moved()

    def action_scroll(self, lines: int) -> None:
        """Move the lines under the cursor."""
        self.pager.scroll(lines)
        rows = self.pager.show(self._height)
        if self.following:
            self.cursor = len(rows) - 1
        self._moved()

    def action_first(self) -> None:
        """Go to the first line."""
        self.pager.to_start()
        self.pager.show(self._height)
        self.cursor = 0
        self._moved()

    def action_follow(self) -> None:
        """Go to the newest line and stay with it."""
        self.pager.to_end()
        self.update()
        self._moved()

    def action_open(self) -> None:
        """Tell that the line under the cursor was opened."""
        if self.pager.rows:
            self.post_message(self.Opened())

    def on_mouse_scroll_up(self, event: MouseScrollUp) -> None:
        """Scroll, which stops the following."""
        event.stop()
        self.action_scroll(-_WHEEL)

    def on_mouse_scroll_down(self, event: MouseScrollDown) -> None:
        """Scroll; at the end, follow again."""
        event.stop()
        self.action_scroll(_WHEEL)

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; a second click opens the line."""
        if event.x >= self.size.width - 1:
            self.pager.to_share((event.y + 0.5) / max(self._height, 1))
            self.update()
        elif event.y < len(self.pager.rows):
            self.action_move(event.y - self.cursor)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Choose the columns for the new width, and as many lines as there is room for."""
        self.strips.fit()
        chosen = self.selected_row
        if self.following or chosen is None:
            self.update()
        else:
            # It stays in view, and returns to where one has put it when there is room again.
            self.put(chosen, min(self._above, self._height - 1))

    @property
    def _height(self) -> int:
        return self.size.height

    def _keep_place(self, change: Callable[[], None]) -> None:
        chosen, following = self.selected_row, self.following
        change()
        if following or chosen is None:
            self.update()
        else:
            self.put(chosen, self.cursor)

    def _moved(self) -> None:
        self._settle()
        self._above = self.cursor
        self.post_message(self.Moved())

    def _settle(self) -> None:
        """Take note that the rows or the cursor have changed; the cursor must be on a row."""
        rows = self.pager.rows
        self.cursor = max(min(self.cursor, len(rows) - 1), 0)
        self.strips.keep(rows)
        first, last = self.pager.share
        top = min(int(first * self._height), self._height - 1)
        self._thumb = range(top, max(ceil(last * self._height), top + 1) if last - first < 1 else 0)
        self.refresh()
