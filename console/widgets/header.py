"""The two lines at the top of every screen: what is watched, how it is, and where one is."""

import time

from rich.text import Text
from textual.app import RenderResult

from console.watch.watch import Watch
from console.widgets.ink import Ink, Inked
from console.widgets.title import tabs, title

__all__ = ["Header"]


class Header(Inked):
    """Draws itself again every second, for the clock."""

    def __init__(self, watch: Watch, screen: str) -> None:
        super().__init__(classes="production" if watch.target.production else "")
        self._watch = watch
        self._screen = screen

    def on_mount(self) -> None:
        """Start the clock."""
        self.set_interval(1, self.refresh)

    def render(self) -> RenderResult:
        """Draw both lines."""
        text = Text()
        clock = time.strftime("%H:%M:%S")
        for part, ink in title(self._watch.target, self._health(), clock, self.size.width):
            text.append(part, self.ink(ink))
        text.append("\n")
        for part, ink in tabs(self._screen):
            text.append(part, self.ink(ink))
        return text

    def _health(self) -> tuple[str, Ink]:
        count = len(self._watch.instances)
        if not count:
            return "", "dim"
        healthy = self._watch.healthy
        if any(instance.status == "waiting" for instance in self._watch.instances):
            return f"{healthy} of {count} healthy", "dim"
        if healthy == count:
            return f"{healthy} of {count} healthy", "good"
        return f"✖ {healthy} of {count} healthy", "bad"
