"""The questions the console asks before it does something that cannot be taken back."""

from collections.abc import Sequence
from typing import ClassVar, Literal

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Input, Static

from console.migrations.state import Revision
from console.targets import Target
from console.text import visible

__all__ = ["Leave", "QuitDialog", "UpgradeDialog"]

Leave = Literal["wait", "terminate"]


class UpgradeDialog(ModalScreen[bool]):
    """Says what an upgrade would apply; in production, the target's name must be typed."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,n", "dismiss(False)", "cancel", show=False),
        Binding("y", "yes", "upgrade", show=False),
    ]

    def __init__(self, target: Target, pending: Sequence[Revision]) -> None:
        super().__init__(classes="production" if target.production else "")
        self._target = target
        self._pending = pending

    def compose(self) -> ComposeResult:
        """Put the question together."""
        name = visible(self._target.name)
        text = Text()
        text.append("alembic upgrade head", "bold")
        text.append(f" on {name} ({visible(self._target.environment)})\n\n")
        for revision in self._pending[:8]:
            text.append(f"  {visible(revision.id, 24)}  {visible(revision.message, 60)}\n")
        if len(self._pending) > 8:
            text.append(f"  and {len(self._pending) - 8} more\n")
        question = (
            f"Type {name} and press enter to upgrade" if self._target.production else ("y upgrade")
        )
        text.append(f"\n{question}   ")
        text.append("esc cancel", "dim")
        panel = Vertical(classes="panel dialog")
        panel.border_title = "Upgrade"
        with panel:
            yield Static(text, markup=False)
            if self._target.production:
                yield Input(placeholder="name of the target", id="name")

    def on_input_submitted(self, message: Input.Submitted) -> None:
        """Go on only when the name was typed as it is."""
        if message.value.strip() == self._target.name:
            self.dismiss(result=True)
        else:
            self.notify("that is not the target's name", severity="warning", markup=False)

    def action_yes(self) -> None:
        """Agree, where a single key is enough."""
        if not self._target.production:
            self.dismiss(result=True)


class QuitDialog(ModalScreen[Leave | None]):
    """Asks what becomes of the upgrade that is still running."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss(None)", "stay", show=False),
        Binding("w", "dismiss('wait')", "wait", show=False),
        Binding("t", "dismiss('terminate')", "terminate", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Put the question together."""
        text = Text("An upgrade is still running.\n\n")
        for key, label in (
            ("w", "let it finish, then quit"),
            ("t", "terminate it (what is not committed is rolled back) and quit"),
            ("esc", "stay"),
        ):
            text.append(f"  {key:<4}", "bold")
            text.append(f"{label}\n")
        panel = Vertical(Static(text, markup=False), classes="panel dialog")
        panel.border_title = "Quit"
        yield panel
