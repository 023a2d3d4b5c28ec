"""The statistics of a log as one list: what is told of all lines, then routes, errors, names."""

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from rich.segment import Segment

from console.logs.statistics.render import overview
from console.logs.statistics.sections import Item, Kind, Section, sections
from console.logs.statistics.summary import RouteFigures, Summary
from console.logs.statistics.tables import GAP, cells
from console.text import fit
from console.widgets.ink import Ink
from console.widgets.rows import Rows

__all__ = ["StatisticsList"]

# A name that is cut further tells nothing: the last columns give way.
_LEAST = 28

Part = tuple[str, Ink]


class _Row(NamedTuple):
    parts: Sequence[Part]
    # What it is about, told by its name so that it is found again when the figures have changed.
    kind: Kind | None = None
    item: Item | None = None
    name: str = ""


class StatisticsList(Rows):
    """The cursor is only on rows that lead to lines; the others scroll by."""

    def __init__(self) -> None:
        super().__init__(id="statistics", empty="nothing has been counted yet")
        self._summary: Summary | None = None
        self._rows: list[_Row] = []
        self._place: tuple[Kind | None, str] = (None, "")

    @property
    def row_count(self) -> int:
        """How many rows there are."""
        return len(self._rows)

    @property
    def place(self) -> tuple[Kind | None, str]:
        """What the cursor is on, by its name; where it is put when there is something to show."""
        if self._rows:
            row = self._rows[self.cursor]
            self._place = row.kind, row.name
        return self._place

    @place.setter
    def place(self, place: tuple[Kind | None, str]) -> None:
        self._place = place

    @property
    def chosen(self) -> tuple[Kind, Item] | None:
        """What the cursor is on; None while there is nothing."""
        row = self._rows[self.cursor] if self._rows else None
        return None if row is None or row.kind is None or row.item is None else (row.kind, row.item)

    def show(self, summary: Summary) -> None:
        """Show other figures; the cursor stays on what it was on."""
        place, first = self.place, not self._rows
        self._summary = summary
        self._rows = list(self._drawn(summary, max(self.scrollable_content_region.width, 40)))
        same = (n for n, row in enumerate(self._rows) if row.kind and (row.kind, row.name) == place)
        self.cursor = next(same, min(self.cursor, max(len(self._rows) - 1, 0)))
        if self.chosen is None:
            self.cursor = self._nearest(self.cursor, 1)
        self.update_rows()
        if first:
            self.move_cursor(self.cursor)

    def move_cursor(self, index: int) -> None:
        """Go to the nearest row that leads anywhere; at either end, show what stands beyond it."""
        found = self._nearest(max(min(index, self.row_count - 1), 0), index - self.cursor)
        super().move_cursor(found)
        if found == self._nearest(0, 1):
            self.scroll_to(y=0, animate=False)
        elif found == self._nearest(self.row_count - 1, -1):
            self.scroll_to(y=self.max_scroll_y, animate=False)

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """Draw a row."""
        del width
        return [Segment(text, self.ink(ink)) for text, ink in self._rows[index].parts]

    def on_resize(self) -> None:
        """Lay the columns out for the new width."""
        if self._summary is not None:
            self.show(self._summary)

    def _nearest(self, index: int, direction: int) -> int:
        """The row at `index` or the next one in a direction, or else in the other, that leads
        anywhere; `index` itself where none does."""
        below = range(index, self.row_count)
        above = range(index, -1, -1)
        for way in (above, below) if direction < 0 else (below, above):
            for number in way:
                if self._rows[number].item is not None:
                    return number
        return index

    def _drawn(self, summary: Summary, width: int) -> Iterator[_Row]:
        for line in overview(summary, width):
            yield _Row([(line, "plain")])
        for section in sections(summary):
            yield _Row([("", "plain")])
            yield from _section(section, width)


def _section(section: Section, width: int) -> Iterator[_Row]:
    heading, *rows = cells(section.heading, section.rows, width, least=_LEAST)
    yield _Row([(GAP.join(heading), "dim")])
    for number, (row, item) in enumerate(zip(rows, section.items, strict=True)):
        name = section.rows[number][0] if section.kind != "slowest" else "\0".join(row)
        yield _Row(list(_inked(row, section.kind, item)), section.kind, item, name)
        if section.more and section.more[number]:
            yield _Row([(fit(f"  {section.more[number]}", width), "dim")])
    if section.short:
        yield _Row([(fit(section.short, width), "warn")])


def _inked(row: Sequence[str], kind: Kind, item: Item) -> Iterator[Part]:
    """The name stands out, and so do failures."""
    first, *others = row
    yield first, "bad" if kind == "error" else "strong"
    for number, cell in enumerate(others):
        failed = isinstance(item, RouteFigures) and item.failed > 0 and number == 1
        yield f"{GAP}{cell}", "bad" if failed else "plain"
