"""The names of the log's columns."""

from rich.text import Text
from textual.app import RenderResult

from console.widgets.ink import Inked
from console.widgets.log_columns import Columns
from console.widgets.log_strips import LogStrips

__all__ = ["LogHeading"]


class LogHeading(Inked):
    """One line above the log."""

    def __init__(self, strips: LogStrips) -> None:
        super().__init__(id="columns")
        self._strips = strips

    def render(self) -> RenderResult:
        """Draw the line."""
        columns = Columns.fit(self.size.width - 1, self._strips.extra)
        return Text(columns.heading(), self.ink("dim"))
