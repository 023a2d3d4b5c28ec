"""What a statement has given: lines of a table, wider than the screen perhaps."""

from collections.abc import Iterable, Sequence
from typing import ClassVar

from rich.segment import Segment
from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.message import Message
from textual.strip import Strip

from console.widgets.ink import Inked
from console.widgets.rows import Rows

__all__ = ["ResultHeading", "ResultTable"]

_STEP = 8


class ResultTable(Rows):
    """Rows that can be moved sideways; the lines are safe to draw."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "shift(-1)", "left", show=False),
        Binding("right,l", "shift(1)", "right", show=False),
    ]

    class Shifted(Message):
        """It was moved sideways."""

    def __init__(self) -> None:
        super().__init__(id="result")
        self.left = 0
        """So many columns at the left are out of sight."""
        self._lines: Sequence[str] = ()
        self._width = 0

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._lines)

    def show(self, lines: Sequence[str]) -> None:
        """Show other rows."""
        self._lines, self.left, self.cursor = lines, 0, 0
        self._width = max((Segment(line).cell_length for line in lines), default=0)
        self.scroll_to(y=0, animate=False)
        self.update_rows()

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """The part of a row that is in sight."""
        return Strip([Segment(self._lines[index])]).crop(self.left, self.left + width + 1)

    def action_shift(self, step: int) -> None:
        """Move sideways."""
        room = max(self._width - self.scrollable_content_region.width, 0)
        self.left = max(min(self.left + step * _STEP, room), 0)
        self.refresh()
        self.post_message(self.Shifted())


class ResultHeading(Inked):
    """The names of the columns, above their table."""

    def __init__(self, table: ResultTable) -> None:
        super().__init__()
        self._table = table
        self._text = ""

    def show(self, text: str) -> None:
        """Show other names."""
        self._text = text
        self.refresh()

    def render(self) -> RenderResult:
        """Draw the line."""
        shown = Strip([Segment(self._text)]).crop(self._table.left)
        return Text("".join(segment.text for segment in shown), self.ink("dim"))
