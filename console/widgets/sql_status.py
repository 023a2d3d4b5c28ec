"""One line about a statement: what it asks, whether it runs, how it ended."""

import time

from rich.text import Text
from textual.app import RenderResult

from console.figures import count
from console.text import cut, visible
from console.watch.query import Answer
from console.watch.watch import Watch
from console.widgets.ink import Inked

__all__ = ["SqlStatus"]

_FILTER = 60


class SqlStatus(Inked):
    """What is being asked, and how it went."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch
        self._since: float | None = None
        self._answer: Answer | None = None

    @property
    def running(self) -> bool:
        """Whether a statement runs."""
        return self._since is not None

    def begin(self) -> None:
        """A statement runs."""
        self._since, self._answer = time.monotonic(), None
        self.refresh(layout=True)

    def end(self, answer: Answer) -> None:
        """It has ended."""
        self._since, self._answer = None, answer
        self.refresh(layout=True)

    def tick(self) -> None:
        """Let the seconds pass."""
        if self._since is not None:
            self.refresh()

    def render(self) -> RenderResult:
        """Draw the line."""
        text = Text(" ")
        answer = self._answer
        if self._since is not None:
            text.append(f"running, {time.monotonic() - self._since:.0f} s   ", self.ink("warn"))
        elif answer is not None and answer.heading:
            number = f"the first {len(answer.rows):,}" if answer.more else count(len(answer.rows))
            text.append(f"{number} {'row' if number == '1' else 'rows'}", self.ink("good"))
            text.append(f" in {answer.seconds:.2f} s   ", self.ink("dim"))
        if answer is not None and answer.problem:
            text.append(f"{visible(answer.problem)}   ", self.ink("bad"))
        wanted = self._watch.collection.wanted
        if wanted is None:
            return text.append("" if answer else "of all lines", self.ink("dim"))
        text.append("of the lines that match ", self.ink("dim"))
        return text.append(cut(visible(wanted.text), _FILTER), self.ink("accent"))
