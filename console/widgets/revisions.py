"""The list of revisions, and the output of an upgrade."""

from collections.abc import Iterable

from rich.cells import cell_len, chop_cells
from rich.segment import Segment

from console.text import visible
from console.watch.schema import Schema
from console.widgets.ink import Ink
from console.widgets.rows import Rows

__all__ = ["RevisionList", "UpgradeOutput"]

_LOOKS: dict[str, tuple[str, Ink]] = {
    "pending": ("○", "warn"),
    "current": ("●", "good"),
    "applied": ("·", "dim"),
    "unknown": ("?", "dim"),
}


class RevisionList(Rows):
    """Newest first: what is pending, what the database has, what came before."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(id="revisions", empty="no revisions")
        self._schema = schema
        self._words: dict[str, str] = {}
        self._room = 0

    @property
    def row_count(self) -> int:
        """How many revisions there are."""
        return len(self._schema.revisions)

    def take_state(self) -> None:
        """Show what the schema's state has become."""
        state, revisions = self._schema.state, self._schema.revisions
        applied = state.applied if state else frozenset()
        current = state.current if state else frozenset()
        self._words = {
            revision.id: "unknown"
            if state is None
            else "current"
            if revision.id in current
            else "applied"
            if revision.id in applied
            else "pending"
            for revision in revisions
        }
        self._room = max((cell_len(visible(r.id, 40)) for r in revisions), default=0)
        self.update_rows()

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """State, revision and message."""
        revision = self._schema.revisions[index]
        word = self._words.get(revision.id, "unknown")
        dot, ink = _LOOKS[word]
        yield Segment(f"{dot} {word:<9}", self.ink(ink))
        yield Segment(f"{visible(revision.id, 40):<{self._room}}  ", self.ink("strong"))
        yield Segment(
            visible(revision.message, width), self.ink("dim" if word == "applied" else "plain")
        )
        if revision.head:
            yield Segment("  (head)", self.ink("dim"))


class UpgradeOutput(Rows):
    """What Alembic prints, as it prints it, folded, with the end always in view."""

    def __init__(self, schema: Schema) -> None:
        super().__init__(id="output", empty="alembic upgrade head")
        self._schema = schema
        self._folded: list[str] = []

    @property
    def row_count(self) -> int:
        """How many rows the printed lines take."""
        return len(self._folded)

    def draw_row(self, index: int, width: int) -> Iterable[Segment]:
        """Draw a part of a line that fits."""
        del width
        yield Segment(self._folded[index])

    def take_output(self) -> None:
        """Show the newest lines; not cut, for the last one may say what went wrong."""
        width = max(self.scrollable_content_region.width, 20)
        lines = self._schema.upgrade.lines if self._schema.upgrade else []
        self._folded = [part for line in lines for part in chop_cells(visible(line), width) or [""]]
        self.update_rows()
        self.cursor = max(self.row_count - 1, 0)
        self.scroll_to(y=self.max_scroll_y, animate=False)

    def on_resize(self) -> None:
        """Fold for the new width."""
        self.take_output()
