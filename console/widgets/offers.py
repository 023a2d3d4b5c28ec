"""What is wrong with what is being typed, and what may be typed next."""

from collections.abc import Sequence

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Size

from console.logs.filters.completion import Completion
from console.logs.filters.errors import FilterError
from console.text import cut, visible, width_of
from console.widgets.ink import Inked

__all__ = ["OFFERS", "Offers"]

OFFERS = 6
"""So many completions are shown at a time."""


class Offers(Inked):
    """A line with carets below an error or, if there is none, a hint; below that completions."""

    def __init__(self) -> None:
        super().__init__()
        self.hint = ""
        self.chosen = 0
        self._offers: Sequence[Completion] = ()
        self._error: FilterError | None = None
        self._indent = 0

    @property
    def offer(self) -> Completion | None:
        """The completion that is chosen."""
        return self._offers[self.chosen] if self._offers else None

    def show(
        self, offers: Sequence[Completion], error: FilterError | None = None, *, indent: int = 0
    ) -> None:
        """Show other completions; `indent` is where on the screen the error is."""
        self._offers, self._error, self._indent = offers, error, indent
        self.chosen = 0
        self.refresh(layout=True)

    def choose(self, step: int) -> None:
        """Choose the next completion, or the one before."""
        if self._offers:
            self.chosen = (self.chosen + step) % len(self._offers)
            self.refresh()

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line for the error or the hint, one for each completion shown."""
        del container, viewport, width
        return 1 + min(len(self._offers), OFFERS)

    def render(self) -> RenderResult:
        """Draw the lines."""
        text = self._first_line()
        first = max(min(self.chosen - OFFERS // 2, len(self._offers) - OFFERS), 0)
        shown = self._offers[first : first + OFFERS]
        room = max((width_of(visible(offer.text, 40)) for offer in shown), default=0)
        for number, offer in enumerate(shown, start=first):
            name = visible(offer.text, 40)
            ink = self.ink("tab" if number == self.chosen else "plain")
            text.append("\n  ").append(f" {name}{' ' * (room - width_of(name))} ", ink)
            text.append(f"  {visible(offer.hint, 60)}", self.ink("dim"))
        return text

    def _first_line(self) -> Text:
        error, width = self._error, self.size.width
        if error is None:
            return Text(f"  {cut(self.hint, width - 2)}", self.ink("dim"))
        indent = min(max(self._indent, 0), width - 1)
        carets = "^" * max(min(error.length, width - indent), 1)
        if indent + len(carets) + 1 + width_of(error.message) <= width:
            return Text(f"{' ' * indent}{carets} {error.message}", self.ink("warn"))
        if width_of(error.message) + 2 <= indent:
            before = indent - width_of(error.message) - 1
            return Text(f"{' ' * before}{error.message} {carets}", self.ink("warn"))
        return Text(f"{carets} {cut(error.message, width - len(carets) - 1)}", self.ink("warn"))
