"""The line in which a filter or a time is typed."""

import time
from typing import ClassVar, Literal

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.events import Key
from textual.message import Message
from textual.widgets import Input, Static

from console.logs.filters.completion import complete
from console.logs.filters.errors import FilterError
from console.logs.filters.instants import instant
from console.logs.filters.parser import LENGTH, Filter, parse
from console.logs.filters.seen import FieldNames
from console.text import width_of
from console.widgets.offers import Offers

__all__ = ["Prompt"]

_LABELS = {"filter": "/ ", "time": "time "}
_HINTS = {
    "filter": "enter show matches   tab complete   ↑↓ choose   esc cancel",
    "time": "14:30   -10m   2026-01-15T10:30   back from the newest line; enter go   esc cancel",
}


class _TypedLine(Input):
    """The line itself. Of keys that come at once, those behind Enter are not for it."""

    def on_key(self, event: Key) -> None:
        """Enter is done with before the next key is looked at."""
        prompt = self.query_ancestor(Prompt)
        if prompt.display and event.key != "enter":
            return
        event.stop()
        event.prevent_default()
        if prompt.display:
            prompt.submit()
        else:
            self.app.simulate_key(event.key)


class Prompt(Vertical):
    """Closed until `open()`. Tells what is wrong while one types, and sends what is right."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "close", "cancel", show=False),
        Binding("tab", "complete", "complete", show=False),
        Binding("up", "choose(-1)", "choose", show=False),
        Binding("down", "choose(1)", "choose", show=False),
    ]

    class Filtered(Message):
        """A filter was typed; None: nothing, so everything is to be shown."""

        def __init__(self, wanted: Filter | None) -> None:
            super().__init__()
            self.wanted = wanted

    class Timed(Message):
        """A time was typed, in seconds since the epoch."""

        def __init__(self, at: float) -> None:
            super().__init__()
            self.at = at

    class Closed(Message):
        """It is closed."""

    def __init__(self, names: FieldNames) -> None:
        super().__init__(id="prompt")
        self._names = names
        self._kind: Literal["filter", "time"] = "filter"
        self._now: float | None = None
        self._looked_at = 0

    def compose(self) -> ComposeResult:
        """A label and the line, and below what may be typed."""
        # A pasted escape sequence is no filter.
        typed = _TypedLine(
            restrict=r"[^\x00-\x1f\x7f-\x9f]*", max_length=LENGTH, select_on_focus=False
        )
        yield Horizontal(Static("/ ", id="label", markup=False), typed)
        yield Offers()

    def on_mount(self) -> None:
        """Wait to be opened."""
        self.display = False

    def open(
        self, kind: Literal["filter", "time"], text: str = "", now: float | None = None
    ) -> None:
        """Ask for a filter or a time; `now` is what `10m` counts back from."""
        self._kind, self._now = kind, now
        self.query_one("#label", Static).update(_LABELS[kind])
        self.query_one(Offers).hint = _HINTS[kind]
        self.display = True
        self._input.value = text
        self._input.cursor_position = len(text)
        # At once: what is typed next is for it, however fast it comes.
        self.screen.set_focus(self._input)
        self._look()

    def action_close(self) -> None:
        """Close it and change nothing."""
        self.display = False
        self.post_message(self.Closed())

    def action_complete(self) -> None:
        """Put the chosen completion in."""
        if self._input.cursor_position != self._looked_at:
            self._look()
        offer = self.query_one(Offers).offer
        if offer is None:
            return
        value = self._input.value
        self._input.value = value[: offer.start] + offer.text + value[offer.end :]
        self._input.cursor_position = offer.start + len(offer.text)
        self._look()

    def action_choose(self, step: int) -> None:
        """Choose another completion."""
        self.query_one(Offers).choose(step)

    def on_input_changed(self, message: Input.Changed) -> None:
        """Look at what was typed."""
        message.stop()
        self._look()

    def submit(self) -> None:
        """Send what was typed, if it means something."""
        try:
            found = self._read()
        except FilterError:
            return
        self.post_message(found)
        self.action_close()

    @property
    def _input(self) -> Input:
        return self.query_one(Input)

    def _read(self) -> "Prompt.Filtered | Prompt.Timed":
        """Understand what was typed. Raises FilterError."""
        text = self._input.value.strip()
        if self._kind == "filter":
            return self.Filtered(parse(self._input.value, seen=self._names) if text else None)
        now = time.time() if self._now is None else self._now
        at = instant(text.removeprefix("-"), now)
        if at is None:
            raise FilterError("14:30, -10m or 2026-01-15T10:30", 0, max(len(text), 1))
        return self.Timed(at)

    def _look(self) -> None:
        value, cursor = self._input.value, self._input.cursor_position
        self._looked_at = cursor
        offers = complete(value, cursor, self._names) if self._kind == "filter" else []
        error = None
        if value.strip():
            try:
                self._read()
            except FilterError as found:
                error = found
        indent = 0
        if error is not None:
            before = width_of(value[: error.column]) - round(self._input.scroll_offset.x)
            indent = len(_LABELS[self._kind]) + before
        self.query_one(Offers).show(offers, error, indent=indent)
