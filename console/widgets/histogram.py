"""Lines over time, a row for all of them and one for each level that matters."""

from typing import ClassVar

from rich.text import Text
from textual.app import RenderResult
from textual.binding import Binding, BindingType
from textual.events import Click
from textual.geometry import Size
from textual.message import Message

from console.figures import count, length, moment
from console.logs.statistics.bars import LABEL, TOP, axis, drawn_bars, series
from console.logs.statistics.timespan import Bar, Histogram
from console.widgets.ink import Ink, Inked

__all__ = ["HistogramChart"]

_INKS: dict[str, Ink] = {"lines": "accent", "warning": "warn"}


class HistogramChart(Inked, can_focus=True):
    """A bar can be chosen, and opened: each row has the scale that it tells at its end."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("left,h", "choose(-1)", "earlier", show=False),
        Binding("right,l", "choose(1)", "later", show=False),
        Binding("home", "choose(-100000)", "first", show=False),
        Binding("end", "choose(100000)", "last", show=False),
        Binding("enter", "open", "lines", show=False),
    ]

    class Opened(Message):
        """Enter was pressed on a bar, or it was clicked twice; `at` is in seconds since the
        epoch."""

        def __init__(self, at: float) -> None:
            super().__init__()
            self.at = at

    def __init__(self) -> None:
        super().__init__(id="histogram")
        self._histogram = Histogram(1, [])
        self._empty = ""
        self._rows: dict[str, list[int]] = {}
        self._at: float | None = None

    @property
    def room(self) -> int:
        """How many bars there is room for."""
        return max(self.size.width - LABEL - TOP, 2)

    @property
    def chosen(self) -> Bar | None:
        """The bar that is chosen: the last one, until another one is."""
        bars = self._histogram.bars
        return bars[self._cursor()] if bars else None

    def show(self, histogram: Histogram) -> None:
        """Show other bars; the one that holds the chosen time stays chosen."""
        rows = series(histogram.bars)
        changed = len(rows) != len(self._rows)
        self._histogram, self._rows = histogram, rows
        self._empty = "no line that tells a time"
        self.refresh(layout=changed)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """A line for each row, one for the times below."""
        del container, viewport, width
        return len(self._rows) + 1 if self._histogram.bars else 1

    def render(self) -> RenderResult:
        """Draw the rows."""
        if not self._histogram.bars:
            return Text(self._empty, self.ink("dim"))
        lines = [*(self._row(name, values) for name, values in self._rows.items()), self._axis()]
        return Text("\n").join(lines)

    def action_choose(self, step: int) -> None:
        """Choose another bar."""
        bars = self._histogram.bars
        if bars:
            at = bars[max(min(self._cursor() + step, len(bars) - 1), 0)].at
            self._at = None if at is None else at.timestamp()
            self.refresh()

    def action_open(self) -> None:
        """Tell that the chosen bar was opened."""
        if (chosen := self.chosen) is not None and chosen.at is not None:
            self.post_message(self.Opened(chosen.at.timestamp()))

    def on_click(self, event: Click) -> None:
        """Choose the bar under the mouse; a second click opens it."""
        number = event.x - LABEL
        if 0 <= number < len(self._histogram.bars):
            self.action_choose(number - self._cursor())
            if event.chain == 2:
                self.action_open()

    def _cursor(self) -> int:
        bars = self._histogram.bars
        if self._at is None:
            return len(bars) - 1
        later = (n for n, bar in enumerate(bars) if bar.at and bar.at.timestamp() > self._at)
        return max(next(later, len(bars)) - 1, 0)

    def _row(self, name: str, values: list[int]) -> Text:
        ink = self.ink(_INKS.get(name, "bad"))
        # Not quite as high as the row, so that the rows stay apart.
        drawn = drawn_bars(values).replace("█", "▇")
        text = Text(f"{name:<{LABEL}}", self.ink("dim"))
        if self.has_focus:
            cursor = self._cursor()
            text.append(drawn[:cursor], ink)
            text.append(drawn[cursor], ink + self.ink("tab"))
            text.append(drawn[cursor + 1 :], ink)
        else:
            text.append(drawn, ink)
        return text.append(f"  ≤ {count(max(values))}", self.ink("dim"))

    def _axis(self) -> Text:
        text = Text(" " * LABEL)
        chosen = self.chosen
        if self.has_focus and chosen is not None:
            return text.append_text(self._told(chosen))
        below = axis(self._histogram)[: self.size.width - LABEL]
        return text.append(below, self.ink("dim"))

    def _told(self, bar: Bar) -> Text:
        seconds = self._histogram.seconds
        text = Text(f"{moment(bar.at, date=True)}, {length(seconds)}", self.ink("strong"))
        text.append(f"   {count(bar.lines)} {'line' if bar.lines == 1 else 'lines'}")
        for name in ("warning", "error", "critical"):
            if lines := bar.levels.get(name):
                text.append(f"   {name} {count(lines)}", self.ink(_INKS.get(name, "bad")))
        return text
