"""Colours by meaning: a widget names what a text means, the stylesheet says how that looks."""

from typing import ClassVar, Literal

from rich.style import Style
from textual.widget import Widget

__all__ = ["Ink", "Inked"]

Ink = Literal["plain", "dim", "strong", "good", "warn", "bad", "accent", "tab", "cursor"]


class Inked(Widget):
    """A widget that draws in the `ink--…` component styles of opsconsole.tcss."""

    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "ink--plain",
        "ink--dim",
        "ink--strong",
        "ink--good",
        "ink--warn",
        "ink--bad",
        "ink--accent",
        "ink--tab",
        "ink--cursor",
    }

    def ink(self, name: Ink) -> Style:
        """Return the style of an ink, over whatever background the widget has."""
        return self.get_component_rich_style(f"ink--{name}", partial=True)
