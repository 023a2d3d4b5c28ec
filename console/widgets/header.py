"""The two lines at the top of every screen: what is watched, how it is, and where one is."""

import time

from rich.style import Style
from rich.text import Text
from textual.app import RenderResult

from console.text import cut, visible
from console.watch.watch import Watch
from console.widgets.ink import Inked

__all__ = ["SCREENS", "Header"]

SCREENS = (("1", "Overview"), ("2", "Logs"), ("5", "Migrations"))


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
        target, width = self._watch.target, self.size.width
        text = Text()
        name, environment = visible(target.name), visible(target.environment)
        suffix = "" if environment == name else f"  {environment}"
        suffix += "  read-only" if target.read_only else ""
        middle, ink = self._health()
        now = time.strftime("%H:%M:%S")
        title = cut(name, max(width - len(suffix) - len(middle) - len(now) - 21, 8))
        text.append(" opsconsole ▸ ")
        text.append(title, self.ink("strong"))
        text.append(suffix)
        gap = max(width - text.cell_len - len(middle) - len(now) - 8, 1)
        text.append(" " * gap)
        text.append(middle, ink)
        text.append(f"{now:>14} \n")
        for key, label in SCREENS:
            here = label.lower() == self._screen
            text.append(f" {key} {label} ", self.ink("tab") if here else self.ink("dim"))
        return text

    def _health(self) -> tuple[str, Style]:
        count = len(self._watch.instances)
        if not count:
            return "", self.ink("dim")
        healthy = self._watch.healthy
        if any(instance.status == "waiting" for instance in self._watch.instances):
            return f"{healthy} of {count} healthy", self.ink("dim")
        if healthy == count:
            return f"{healthy} of {count} healthy", self.ink("good")
        return f"✖ {healthy} of {count} healthy", self.ink("bad")
