"""All keys."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

__all__ = ["HelpDialog"]

Section = tuple[str, tuple[tuple[str, str], ...]]

_EVERYWHERE: tuple[Section, ...] = (
    (
        "Everywhere",
        (
            ("1 2 5", "overview, logs, migrations"),
            ("tab", "next panel"),
            ("?", "these keys"),
            ("q", "quit"),
        ),
    ),
    (
        "Lists",
        (
            ("↑ ↓ k j", "one line"),
            ("pgup pgdn", "one page"),
            ("home end", "first; last; or g G"),
        ),
    ),
    ("Overview", (("enter", "log lines around a change"),)),
    ("Migrations", (("u", "upgrade to head"), ("R", "ask Alembic again"))),
    (
        "Statistics",
        (
            ("enter", "the lines behind a figure"),
            ("tab ← →", "bars of the histogram"),
            ("R a", "from now on; all again"),
        ),
    ),
)
_LOGS: tuple[Section, ...] = (
    (
        "Logs",
        (
            ("/ esc", "filter; all lines again"),
            ("t", "go to a time"),
            ("l", "least level"),
            ("r", "only this request; all"),
            ("c", "the lines around; not"),
            ("s", "statistics"),
            (":", "SQL"),
            ("enter", "all of a line"),
            ("space", "pause; go on"),
            ("end G f", "follow again"),
        ),
    ),
    (
        "One line",
        (
            ("+ -", "only this value; not it"),
            ("c", "the field as a column"),
            ("y Y", "copy the value; the line"),
            ("enter", "unfold a long value"),
            ("← →", "line before; next line"),
            ("v", "as JSON"),
        ),
    ),
)


class HelpDialog(ModalScreen[None]):
    """Two columns; both fit on 80 by 24."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,question_mark,q,enter", "dismiss", "back", show=False),
    ]

    def compose(self) -> ComposeResult:
        """Put the tables together."""
        columns = Horizontal(
            Static(_text(_EVERYWHERE), id="everywhere", markup=False),
            Static(_text(_LOGS), markup=False),
        )
        panel = VerticalScroll(columns, classes="panel dialog")
        panel.border_title = "Keys"
        panel.border_subtitle = "esc back"
        yield panel


def _text(sections: tuple[Section, ...]) -> Text:
    text = Text()
    for title, keys in sections:
        text.append(f"{title}\n", "bold")
        for key, label in keys:
            text.append(f"  {key:<9} ", "bold")
            text.append(f"{label}\n")
    text.rstrip()
    return text
