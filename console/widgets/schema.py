"""The schema's revision in a few lines."""

from rich.text import Text
from textual.app import RenderResult

from console.figures import clock
from console.migrations.state import MigrationState
from console.text import visible
from console.watch.schema import Schema
from console.widgets.ink import Inked

__all__ = ["SchemaPanel"]


class SchemaPanel(Inked):
    """What the database has and what waits to be applied."""

    def __init__(self, schema: Schema) -> None:
        super().__init__()
        self._schema = schema

    def render(self) -> RenderResult:
        """Draw the panel."""
        schema = self._schema
        lines = self._state(schema.state) if schema.state else []
        if schema.running:
            lines.append(Text("upgrade running …", self.ink("accent")))
        elif not schema.problem and schema.checked_at is not None:
            lines.append(Text(f"checked  {clock(schema.checked_at)}", self.ink("dim")))
        elif not schema.problem:
            lines.append(Text("asking alembic …", self.ink("dim")))
        for line in lines:
            line.truncate(self.size.width, overflow="ellipsis")
        if schema.problem and not schema.running:
            # Not cut but wrapped: of a problem every word counts.
            lines.append(Text(visible(schema.problem), self.ink("bad" if schema.folder else "dim")))
        return Text("\n").join(lines)

    def _state(self, state: MigrationState) -> list[Text]:
        heads = {revision.id for revision in state.heads}
        current = " ".join(sorted(state.current))
        schema = Text().append("schema   ", self.ink("dim"))
        schema.append(visible(current, 60) or "nothing applied", self.ink("strong"))
        if current and state.current <= heads:
            schema.append(" (head)", self.ink("good"))
        count = len(state.pending)
        pending = Text().append("pending  ", self.ink("dim"))
        pending.append(str(count), self.ink("warn" if count else "plain"))
        if len(heads) > 1:
            pending.append(f"  {len(heads)} heads: merge them first", self.ink("bad"))
        if count:
            last = state.pending[-1]
            pending.append(f"  up to {visible(last.id, 40)} {visible(last.message)}")
        return [schema, pending]
