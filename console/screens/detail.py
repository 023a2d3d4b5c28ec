"""All of one log line, field by field."""

from collections.abc import Callable
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.screen import ModalScreen

from console.figures import clock, day_of, size
from console.logs.filters.fields import canonical
from console.logs.filters.parser import Filter, parse
from console.logs.records import Record, pretty
from console.text import visible
from console.watch.line_fields import Choice, LineField, choice, line_fields
from console.watch.pager import Row
from console.watch.refine import has, toggled
from console.watch.watch import Watch
from console.watch.whole_line import whole_record
from console.widgets.field_list import FieldList
from console.widgets.key_hints import KeyHints
from console.widgets.log_status import LogStatus
from console.widgets.log_view import LogView

__all__ = ["COPIED", "DetailScreen"]

COPIED = 64 * 1024
"""So many characters are copied at most: a terminal that is sent more may take nothing at all."""
_STATUS_SECONDS = 0.25
_COLUMN_NAME = 60


class DetailScreen(ModalScreen[None]):
    """The line under the cursor of the log: filters, columns and copies are made of its values.

    `look_for` is told the text of another filter.
    """

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q", "dismiss", "back", show=False),
        Binding("plus,equals_sign", "keep", "keep", show=False),
        Binding("minus", "leave_out", "leave out", show=False),
        Binding("c", "column", "column", show=False),
        Binding("y", "copy", "copy", show=False),
        Binding("Y", "copy_line", "copy the line", show=False),
        Binding("v", "json", "JSON", show=False),
        Binding("left", "line(-1)", "line before", show=False),
        Binding("right", "line(1)", "next line", show=False),
    ]

    def __init__(self, watch: Watch, view: LogView, look_for: Callable[[str], None]) -> None:
        super().__init__()
        self._watch = watch
        self._view = view
        self._look_for = look_for
        self._row: Row | None = None
        self._record = Record(raw=b"", size=0)
        self._fields: list[LineField] = []
        self._choices: dict[str, Choice | None] = {}
        self._as_json = False
        self._take_line()

    def compose(self) -> ComposeResult:
        """Put the panel together."""
        fields = FieldList()
        fields.add_class("panel")
        yield fields
        yield LogStatus(self._watch, self._view)
        yield KeyHints(
            (
                ("+ -", "only, without"),
                ("c", "column"),
                ("y", "copy"),
                ("enter", "unfold"),
                ("←→", "lines"),
                ("v", "JSON"),
                ("esc", "back"),
            )
        )

    def on_mount(self) -> None:
        """Show the line."""
        self.set_interval(_STATUS_SECONDS, self.query_one(LogStatus).refresh)
        self.query_one(FieldList).focus()
        self._show()

    def action_keep(self) -> None:
        """Show only lines with this value, or no longer only those."""
        self._refine(lambda wanted, made: toggled(wanted, made.same, made.others))

    def action_leave_out(self) -> None:
        """Show only lines without this value, or also those with it again."""
        self._refine(lambda wanted, made: toggled(wanted, made.others, made.same))

    def action_column(self) -> None:
        """Make the field a column of the log, or none again."""
        field = self.query_one(FieldList).chosen
        if field is None or self._as_json:
            return
        if field.inside or len(field.name) > _COLUMN_NAME:
            self.notify("a column shows fields, not items of a list", markup=False)
        elif not self._view.strips.toggle(canonical(field.name)):
            self.notify("there is no room for all columns on this screen", markup=False)
        self._mark()

    def action_copy(self) -> None:
        """Copy the value, as it is shown."""
        field = self.query_one(FieldList).chosen
        if field is not None:
            self._copy(field.text)

    def action_copy_line(self) -> None:
        """Copy all of the line."""
        self._copy(self._record.raw.decode("utf-8", "backslashreplace"))

    def action_json(self) -> None:
        """Show the line's JSON, or its fields again."""
        self._as_json = not self._as_json
        self._show()

    def action_line(self, step: int) -> None:
        """Show the next line, or the one before."""
        if self._row is not None and self._view.following:
            # What has come meanwhile is not what one was looking at.
            self._view.put(self._row, self._view.cursor)
        self._view.action_move(step)
        self._take_line()
        self._show()

    def _take_line(self) -> None:
        """Look at the line under the log's cursor."""
        row = self._view.selected_row
        if row is not None:
            self._row, self._record = row, whole_record(row)

    def _show(self) -> None:
        record = self._record
        self._fields, self._choices = line_fields(record), {}
        panel = self.query_one(FieldList)
        panel.border_title = _title(record)
        if self._as_json:
            self._fields = [LineField("", pretty(record))]
        self._mark()
        panel.show(self._fields, folding=not self._as_json)

    def _refine(self, change: Callable[[Filter, Choice], str]) -> None:
        field = self.query_one(FieldList).chosen
        if field is None or self._as_json:
            return
        made = self._choice(field)
        if made is None:
            self.notify("no filter can tell this value", markup=False)
            return
        self._look_for(change(self._wanted(), made))
        self._mark()

    def _choice(self, field: LineField) -> Choice | None:
        if field.name not in self._choices:
            self._choices[field.name] = choice(self._record, field)
        return self._choices[field.name]

    def _wanted(self) -> Filter:
        return self._watch.collection.wanted or parse("")

    def _mark(self) -> None:
        """Tell which values the filter names, and which fields are columns."""
        wanted, columns = self._watch.collection.wanted, self._view.strips.extra
        marks: dict[str, str] = {}
        text = "" if wanted is None else wanted.text
        for field in [] if self._as_json else self._fields:
            name = canonical(field.name)
            mark = " "
            # To make a condition is not for nothing: only where there may be one.
            if wanted is not None and name in text and (made := self._choice(field)):
                mark = "+" if has(wanted, made.same) else "-" if has(wanted, made.others) else " "
            mark += "c" if name in columns else ""
            if mark.strip():
                marks[field.name] = mark
        panel = self.query_one(FieldList)
        panel.marks = marks
        panel.refresh()

    def _copy(self, text: str) -> None:
        lines = text[:COPIED].rstrip("\n").split("\n")
        self.app.copy_to_clipboard("\n".join(visible(line, COPIED) for line in lines))
        told = f"copied {len(lines):,} lines" if len(lines) > 1 else "copied"
        told += f", the first {COPIED:,} characters" if len(text) > COPIED else ""
        self.notify(told, markup=False)


def _title(record: Record) -> str:
    parts = ["One line"]
    if record.at is not None:
        parts.append(f"{day_of(record.at)} {clock(record.at, fraction=True)}")
    if record.size > len(record.raw) + 1:
        parts.append(f"the first {size(len(record.raw))} of {size(record.size)}")
    return ", ".join(parts)
