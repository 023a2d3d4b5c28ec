"""What every screen has: the header, the key hints, and the watch it shows."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.geometry import Region
from textual.screen import Screen
from textual.strip import Strip
from textual.widget import Widget

from console.screens.messages import HealthChanged
from console.watch.watch import Watch
from console.widgets.header import Header
from console.widgets.key_hints import KeyHints

__all__ = ["WatchScreen"]


class WatchScreen(Screen[None]):
    """A screen between a header and key hints. A subclass gives `body` and its class variables."""

    NAME = ""
    HINTS: Sequence[tuple[str, str]] = ()
    COMMON_HINTS: Sequence[tuple[str, str]] = (("1 2 5", "screens"), ("q", "quit"), ("?", "keys"))

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self.watched = watch

    def body(self) -> Iterable[Widget]:
        """Return the widgets between header and hints."""
        raise NotImplementedError

    def compose(self) -> ComposeResult:
        """Put the screen together."""
        yield Header(self.watched, self.NAME)
        yield from self.body()
        yield KeyHints((*self.HINTS, *self.COMMON_HINTS))

    def render_lines(self, crop: Region) -> list[Strip]:
        """Draw nothing: widgets cover all of it, and the framework would draw it each frame."""
        return [Strip.blank(crop.width)] * crop.height

    def on_health_changed(self, _message: HealthChanged) -> None:
        """Count the healthy instances again, in the header of every screen."""
        self.query_one(Header).refresh()
