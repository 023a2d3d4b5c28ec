"""Screen 5: the schema's history, and the upgrade."""

from collections.abc import Iterable
from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widget import Widget

from console.screens.base import WatchScreen
from console.screens.dialogs import UpgradeDialog
from console.screens.messages import SchemaChanged, UpgradeWanted
from console.widgets.revisions import RevisionList, UpgradeOutput
from console.widgets.schema import SchemaPanel

__all__ = ["MigrationsScreen"]


class MigrationsScreen(WatchScreen):
    """Where the database is, all revisions, and below them an upgrade's output and result."""

    NAME = "migrations"
    HINTS = (("u", "upgrade"), ("R", "refresh"), ("↑↓", "choose"))
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("u", "upgrade", "upgrade", show=False),
        Binding("R", "refresh_state", "refresh", show=False),
    ]

    def body(self) -> Iterable[Widget]:
        """Schema, revisions, output."""
        schema = SchemaPanel(self.watched.schema)
        schema.add_class("panel")
        schema.border_title = "Database"
        revisions = RevisionList(self.watched.schema)
        revisions.add_class("panel")
        revisions.border_title = "Revisions"
        output = UpgradeOutput(self.watched.schema)
        output.add_class("panel")
        output.border_title = "Upgrade"
        output.display = False
        return schema, revisions, output

    def on_mount(self) -> None:
        """Show what is known already."""
        self.query_one(RevisionList).focus()
        self._show()

    def on_screen_resume(self) -> None:
        """Catch up with what happened while another screen was shown."""
        self._show()

    def on_schema_changed(self, _message: SchemaChanged) -> None:
        """Draw everything again."""
        self._show()

    def action_refresh_state(self) -> None:
        """Ask Alembic now."""
        self.run_worker(
            self.watched.schema.refresh(scripts=True), group="schema-refresh", exclusive=True
        )

    def action_upgrade(self) -> None:
        """Ask for confirmation where an upgrade is possible, or say why it is not."""
        schema = self.watched.schema
        if refusal := self._refusal():
            self.notify(refusal, severity="warning", markup=False)
            return
        pending = schema.state.pending if schema.state else ()
        self.app.push_screen(UpgradeDialog(self.watched.target, pending), self._confirmed)

    def _refusal(self) -> str:
        schema = self.watched.schema
        if self.watched.target.read_only:
            return "read-only: upgrades are refused"
        if schema.running:
            return "an upgrade is running already"
        if schema.folder is None or schema.state is None:
            return "the state of the database is not known"
        return "" if schema.state.pending else "nothing is pending"

    def _confirmed(self, confirmed: bool | None) -> None:
        if confirmed:
            self.post_message(UpgradeWanted())

    def _show(self) -> None:
        self.query_one(SchemaPanel).refresh(layout=True)
        self.query_one(RevisionList).take_state()
        output, schema = self.query_one(UpgradeOutput), self.watched.schema
        output.display = schema.upgrade is not None
        output.border_subtitle = ""
        result = schema.result
        if result is not None:
            output.set_class(result.code != 0, "failed")
            word = "done" if result.code == 0 else f"failed, exit code {result.code}"
            output.border_subtitle = f"{word}, {result.seconds:.1f} s"
        output.take_output()
