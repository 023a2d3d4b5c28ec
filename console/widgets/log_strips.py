"""The lines of the log as they are drawn, each once while it stays on the screen."""

from collections.abc import Iterable, Sequence
from typing import get_args

from rich.cells import cell_len
from rich.segment import Segment
from rich.style import Style
from textual.strip import Strip

from console.logs.filters.seen import FieldNames
from console.logs.records import Record, decode
from console.watch.pager import Row
from console.watch.part import Part
from console.widgets.ink import Ink, Inked
from console.widgets.log_columns import Columns

__all__ = ["LogStrips"]

# The first lines that are drawn are learnt from, then one in so many.
_LEARN_FIRST, _LEARN_EVERY = 20, 100


class LogStrips:
    """Draws in the inks of a widget and as wide as that is; the last cell is that of a scroll bar.

    `names` learns which fields the lines have.
    """

    def __init__(self, widget: Inked, names: FieldNames) -> None:
        self._widget = widget
        self._names = names
        self._drawn = 0
        self.extra: tuple[str, ...] = ()
        """Fields that are shown as columns, as far as there is room."""
        self._columns = Columns.fit(80)
        self._strips: dict[tuple[Part, int, bool], Strip] = {}
        self._styles: dict[Ink, Style] = {}

    def toggle(self, name: str) -> bool:
        """Show a field as a column, or no longer; tell whether there is room for what is chosen."""
        others = tuple(each for each in self.extra if each != name)
        self.extra = others if name in self.extra else (*self.extra, name)
        self.fit()
        return self._columns.extra == self.extra

    def fit(self) -> None:
        """Choose the columns for the widget's width, and draw everything anew."""
        self._columns = Columns.fit(self._widget.size.width - 1, self.extra)
        self._strips.clear()
        self._styles.clear()

    def keep(self, rows: Sequence[Row]) -> None:
        """Forget all lines but these."""
        shown = {(row.part, row.start) for row in rows}
        for gone in [key for key in self._strips if key[:2] not in shown]:
            del self._strips[gone]

    def line(self, row: Row, *, thumb: bool) -> Strip:
        """Return a line, with the thumb of the scroll bar at its end or without."""
        key = row.part, row.start, thumb
        strip = self._strips.get(key)
        if strip is None:
            record = decode(row.line)
            self._learn(record)
            strip = self._strips[key] = self.whole(self._columns.draw(record), thumb=thumb)
        return strip

    def chosen(self, strip: Strip) -> Strip:
        """Return a line as it looks under the cursor."""
        segments = Segment.apply_style(strip, post_style=self._widget.ink("cursor"))
        return Strip(segments, strip.cell_length)

    def whole(self, parts: Iterable[tuple[str, Ink]], *, thumb: bool) -> Strip:
        """Return any texts as a line."""
        if not self._styles:
            base = self._widget.rich_style
            self._styles = {
                name: self._filtered(base + self._widget.ink(name)) for name in get_args(Ink)
            }
        # Few segments: each costs the framework as much as all of its text.
        texts: list[str] = [""]
        inks: list[Ink] = ["plain"]
        for text, ink in parts:
            if ink == inks[-1]:
                texts[-1] += text
            else:
                texts.append(text)
                inks.append(ink)
        segments = [
            Segment(text, self._styles[ink]) for text, ink in zip(texts, inks, strict=True) if text
        ]
        width = self._widget.size.width - 1
        # The framework knows the widths of some rare characters better.
        cells = len if all(map(str.isascii, texts)) else cell_len
        if sum(map(cells, texts)) != width:
            segments = list(Strip(segments).adjust_cell_length(width, self._styles["plain"]))
        segments.append(Segment("┃" if thumb else " ", self._styles["dim"]))
        return Strip(segments, width + 1)

    def _filtered(self, style: Style) -> Style:
        """Return what the terminal is to be sent for a style. The framework would look at each
        segment of each line, which costs as much as drawing it."""
        segments = [Segment(" ", style)]
        for line_filter in self._widget.get_line_filters():
            segments = line_filter.apply(segments, self._widget.background_colors[1])
        return segments[0].style or style

    def _learn(self, record: Record) -> None:
        if self._drawn < _LEARN_FIRST or self._drawn % _LEARN_EVERY == 0:
            self._names.add(record)
        self._drawn += 1
