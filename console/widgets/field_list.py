"""The fields of one line as a list, long values folded."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.cells import chop_cells
from rich.segment import Segment

from console.text import fit, visible, width_of
from console.watch.line_fields import LineField
from console.widgets.ink import Ink
from console.widgets.rows import Rows

__all__ = ["FieldList"]

_NAMES = 28
# So many rows of a value are shown while it is folded; of an unfolded one, so much text.
_FOLDED, _TEXT = 6, 64 * 1024
_GUTTER = 3
_MARKS: Mapping[str, Ink] = {"+": "good", "-": "bad", " ": "plain"}


class _Row(NamedTuple):
    number: int
    text: str
    first: bool = False
    told: bool = False


class FieldList(Rows):
    """The cursor goes through the rows of all values; `chosen` is the field it is in.

    `marks` tells by the name of a field what stands before it: `+`, `-`, and `c` for a column.
    """

    def __init__(self) -> None:
        super().__init__(id="fields", empty="an empty line")
        self.marks: Mapping[str, str] = {}
        self._fields: Sequence[LineField] = ()
        self._folding = True
        self._unfolded: set[str] = set()
        self._rows: list[_Row] = []
        self._room = 0

    @property
    def row_count(self) -> int:
        """How many rows the values take."""
        return len(self._rows)

    @property
    def chosen(self) -> LineField | None:
        """The field under the cursor."""
        return self._fields[self._rows[self.cursor].number] if self._rows else None

    def show(self, fields: Sequence[LineField], *, folding: bool = True) -> None:
        """Show other fields; the cursor stays on the one of the same name, if there is one."""
        name = self.chosen.name if self.chosen is not None else ""
        self._fields, self._folding = fields, folding
        self._lay_out()
        same = (n for n, row in enumerate(self._rows) if self._fields[row.number].name == name)
        self.cursor = next(same, 0)
        self.update_rows()
        self.move_cursor(self.cursor)

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """Name and value, or more of the value."""
        del width
        row = self._rows[index]
        field = self._fields[row.number]
        mark = self.marks.get(field.name, "") if row.first else ""
        sign = mark[:1] if mark[:1] in _MARKS else " "
        yield Segment(sign, self.ink(_MARKS[sign]))
        yield Segment("▏ " if mark.endswith("c") else "  ", self.ink("accent"))
        name = fit(field.name, self._room) if row.first else " " * self._room
        yield Segment(f"{name}  ", self.ink("dim"))
        yield Segment(row.text, self.ink("dim" if row.told else "strong" if mark else "plain"))

    def action_open(self) -> None:
        """Unfold the value, or fold it again."""
        chosen = self.chosen
        if chosen is not None:
            self._unfolded ^= {chosen.name}
            number = self._rows[self.cursor].number
            self._lay_out()
            self.cursor = next(n for n, row in enumerate(self._rows) if row.number == number)
            self.update_rows()
            self.move_cursor(self.cursor)

    def on_resize(self) -> None:
        """Fold for the new width."""
        self.show(self._fields, folding=self._folding)

    def _lay_out(self) -> None:
        width = max(self.scrollable_content_region.width, 20)
        names = (width_of(visible(field.name, _NAMES)) for field in self._fields)
        self._room = min(max(names, default=0), _NAMES, width // 3)
        width -= self._room + _GUTTER + 2
        self._rows = [
            row
            for number, field in enumerate(self._fields)
            for row in self._rows_of(number, field, width)
        ]

    def _rows_of(self, number: int, field: LineField, width: int) -> Iterator[_Row]:
        whole = field.text
        text = whole[:_TEXT]
        parts = [
            part
            for line in text.rstrip("\n").split("\n")
            for part in chop_cells(visible(line, _TEXT), width) or [""]
        ]
        folded = self._folding and field.name not in self._unfolded
        shown = parts[:_FOLDED] if folded else parts
        for place, part in enumerate(shown):
            yield _Row(number, part, first=place == 0)
        if len(shown) < len(parts):
            yield _Row(number, f"{len(parts) - len(shown):,} more rows: enter", told=True)
        elif len(text) < len(whole):
            left = len(whole) - len(text)
            yield _Row(number, f"{left:,} more characters are not shown", told=True)
