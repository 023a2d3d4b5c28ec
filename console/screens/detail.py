"""All of one log line."""

import re
from typing import Any, ClassVar

import msgspec
from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import VerticalScroll
from textual.screen import ModalScreen
from textual.widgets import Static

from console.figures import size
from console.logs.records import Record, pretty
from console.text import visible
from console.widgets.key_hints import KeyHints

__all__ = ["DetailScreen"]

_LINES = 2_000
_KEY = re.compile(r'(\s*)("(?:[^"\\]|\\.)*":)')


class DetailScreen(ModalScreen[None]):
    """The JSON of a record, indented, with texts of several lines written out below it."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,enter,q", "dismiss", "back", show=False),
    ]

    def __init__(self, record: Record) -> None:
        super().__init__()
        self._record = record

    def compose(self) -> ComposeResult:
        """Put the panel together."""
        scroll = VerticalScroll(Static(self._text(), markup=False), classes="panel", id="detail")
        scroll.border_title = "One line"
        yield scroll
        yield KeyHints((("↑↓", "scroll"), ("esc", "back")))

    def on_mount(self) -> None:
        """Let the arrow keys scroll."""
        self.query_one("#detail").focus()

    def _text(self) -> Text:
        record, text = self._record, Text()
        if record.size > len(record.raw) + 1:
            kept = size(len(record.raw))
            text.append(f"a line of {size(record.size)}; its first {kept}:\n\n", "bold")
        for line in pretty(record).split("\n")[:_LINES]:
            shown = visible(line, 64 * 1024)
            if key := _KEY.match(shown):
                text.append(key[0], "bold")
                shown = shown[key.end() :]
            text.append(f"{shown}\n")
        for name, value in _paragraphs(record):
            text.append(f"\n{visible(name)}\n", "bold")
            for line in value.split("\n")[:_LINES]:
                text.append(f"  {visible(line)}\n")
        return text


def _paragraphs(record: Record) -> list[tuple[str, str]]:
    """Return the record's texts of several lines: tracebacks, mostly."""
    if not record.structured:
        return []
    try:
        found: Any = msgspec.json.decode(record.raw)
    except (msgspec.DecodeError, RecursionError):
        return []
    return [
        (key, value)
        for key, value in found.items()
        if isinstance(value, str) and "\n" in value.rstrip("\n")
    ]
