"""The two lines at the top of every screen, as texts and inks; they need no framework."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from console.targets import Target
from console.text import cut, visible, width_of

if TYPE_CHECKING:
    from console.widgets.ink import Ink

__all__ = ["SCREENS", "tabs", "title"]

SCREENS = (("1", "Overview"), ("2", "Logs"), ("5", "Migrations"))

Part = tuple[str, "Ink"]


def title(target: Target, health: Part, clock: str, width: int) -> Iterator[Part]:
    """Return what is watched, how it is and what time it is, `width` cells wide if it can be."""
    name, environment = visible(target.name), visible(target.environment)
    suffix = "" if environment == name else f"  {environment}"
    suffix += "  read-only" if target.read_only else ""
    middle, ink = health
    name = cut(name, max(width - len(suffix) - len(middle) - len(clock) - 21, 8))
    before = " opsconsole ▸ "
    yield before, "plain"
    yield name, "strong"
    yield suffix, "plain"
    used = width_of(before + name + suffix)
    yield " " * max(width - used - len(middle) - len(clock) - 8, 1), "plain"
    yield middle, ink
    yield f"{clock:>14} ", "plain"


def tabs(here: str) -> Iterator[Part]:
    """Return the names of the screens, that of this one marked."""
    for key, label in SCREENS:
        yield f" {key} {label} ", "tab" if label.lower() == here else "dim"
