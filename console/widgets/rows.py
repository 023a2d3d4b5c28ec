"""A list of virtual rows: only those on the screen are ever drawn."""

from collections.abc import Iterable
from typing import ClassVar

from rich.segment import Segment
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message
from textual.scroll_view import ScrollView
from textual.strip import Strip

from console.widgets.ink import Inked

__all__ = ["Rows"]


class Rows(Inked, ScrollView, can_focus=True):
    """Base of every list with a cursor. A subclass gives `row_count` and `draw_row`."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("up,k", "move(-1)", "up", show=False),
        Binding("down,j", "move(1)", "down", show=False),
        Binding("pageup", "page(-1)", "page up", show=False),
        Binding("pagedown", "page(1)", "page down", show=False),
        Binding("home,g", "first", "first", show=False),
        Binding("end,G", "last", "last", show=False),
        Binding("enter", "open", "details", show=False),
    ]
    ALLOW_SELECT = False

    class Opened(Message):
        """Enter was pressed on a row, or it was clicked twice."""

        def __init__(self, index: int) -> None:
            super().__init__()
            self.index = index

    def __init__(self, *, id: str | None = None, empty: str = "") -> None:  # noqa: A002
        super().__init__(id=id)
        self.cursor = 0
        self.empty = empty

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        raise NotImplementedError

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """Return the segments of a row; they are cut or filled to `width` cells."""
        raise NotImplementedError

    def update_rows(self) -> None:
        """Take note that rows came, went or changed; call once per batch."""
        self.cursor = max(min(self.cursor, self.row_count - 1), 0)
        size = Size(self.scrollable_content_region.width, self.row_count)
        if size != self.virtual_size:
            self.virtual_size = size
        self.refresh()

    def move_cursor(self, index: int) -> None:
        """Put the cursor on a row, as far as there is one, and scroll it into view."""
        self.cursor = max(min(index, self.row_count - 1), 0)
        top, height = round(self.scroll_y), self.scrollable_content_region.height
        if self.cursor < top:
            self.scroll_to(y=self.cursor, animate=False)
        elif self.cursor >= top + height:
            self.scroll_to(y=self.cursor - height + 1, animate=False)
        self.refresh()

    def render_line(self, y: int) -> Strip:
        """Draw line `y` of the visible part."""
        width = self.scrollable_content_region.width
        index = round(self.scroll_y) + y
        segments: Iterable[Segment]
        if index < self.row_count:
            segments = self.draw_row(index, width)
        else:
            text = self.empty if y == 0 and not self.row_count else ""
            segments = [Segment(text, self.ink("dim"))]
        strip = Strip(segments)
        if strip.cell_length > width:
            strip = Strip.join([strip.crop(0, width - 1), Strip([Segment("…")])])
        strip = strip.adjust_cell_length(width)
        base = self.rich_style
        if index == self.cursor and self.has_focus and self.row_count:
            base += self.ink("cursor")
        return strip.apply_style(base)

    def action_move(self, rows: int) -> None:
        """Move the cursor by `rows`."""
        self.move_cursor(self.cursor + rows)

    def action_page(self, pages: int) -> None:
        """Move the cursor by screenfuls."""
        self.move_cursor(self.cursor + pages * max(self.scrollable_content_region.height - 1, 1))

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self.move_cursor(0)

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self.move_cursor(self.row_count - 1)

    def action_open(self) -> None:
        """Tell that the row under the cursor was opened."""
        if self.row_count:
            self.post_message(self.Opened(self.cursor))

    def on_click(self, event: Click) -> None:
        """Put the cursor where the mouse is; a second click opens the row."""
        offset = event.get_content_offset(self)
        if offset is not None and round(self.scroll_y) + offset.y < self.row_count:
            self.move_cursor(round(self.scroll_y) + offset.y)
            if event.chain == 2:
                self.action_open()

    def on_resize(self) -> None:
        """Fit the rows to the new width."""
        self.update_rows()
