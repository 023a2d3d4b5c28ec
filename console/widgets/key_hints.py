"""The line at the bottom: which keys do something here."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import RenderResult

from console.widgets.ink import Inked

__all__ = ["KeyHints"]


class KeyHints(Inked):
    """Pairs of a key and what it does: the last one always, of the others as many as fit."""

    def __init__(self, hints: Sequence[tuple[str, str]]) -> None:
        super().__init__()
        self._hints = hints

    def render(self) -> RenderResult:
        """Draw the hints."""
        text = Text()
        *others, last = self._hints
        room = self.size.width - sum(map(len, last)) - 2
        for key, label in others:
            if text.cell_len + len(key) + len(label) + 4 <= room:
                self._hint(text, key, label)
        self._hint(text, *last)
        text.rstrip()  # else the gap after it counts as text that does not fit
        return text

    def _hint(self, text: Text, key: str, label: str) -> None:
        text.append(f" {key}", self.ink("strong"))
        text.append(f" {label}  ", self.ink("dim"))
