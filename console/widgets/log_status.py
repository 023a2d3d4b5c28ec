"""One line about the log: what is shown of it, and what is not."""

import time

from rich.text import Text
from textual.app import RenderResult

from console.figures import day_of, size
from console.logs.filters.parser import Filter
from console.text import cut, visible
from console.watch.watch import Watch
from console.widgets.ink import Inked
from console.widgets.log_view import LogView

__all__ = ["LogStatus"]

_FILTER = 60


class LogStatus(Inked):
    """Following or not, the filter and what it found at the left; names and counts at the right."""

    def __init__(self, watch: Watch, view: LogView) -> None:
        super().__init__()
        self._watch = watch
        self._view = view

    def render(self) -> RenderResult:
        """Draw the line."""
        text = self._place()
        if (wanted := self._watch.collection.wanted) is not None:
            self._found(text, wanted)
        if problem := self._problem():
            return text.append(f"   {visible(problem)}", self.ink("bad"))
        width = self.size.width - 1
        for right in (f"{self._names()}  {self._counts()}", self._counts()):
            gap = width - text.cell_len - len(right)
            if gap >= 2:
                return text.append(f"{' ' * gap}{right}", self.ink("dim"))
        return text

    def _place(self) -> Text:
        pager = self._view.pager
        if pager.following:
            return Text(" following", self.ink("good"))
        waiting = pager.waiting
        number = "many" if waiting is None else f"{waiting:,}"
        lines = "line" if waiting == 1 else "lines"
        if pager.held:
            return Text(f" paused, {number} new {lines}", self.ink("warn"))
        told = " the end, not followed" if waiting == 0 else f" {number} {lines} below"
        return Text(told, self.ink("warn")).append(self._date(), self.ink("dim"))

    def _date(self) -> str:
        """The day of the chosen line, which its column does not tell, unless that is today."""
        selected = self._view.selected
        if selected is None or selected.at is None:
            return ""
        day = day_of(selected.at)
        return f"   of {day}" if day != day_of(time.time()) else ""

    def _found(self, text: Text, wanted: Filter) -> None:
        if self._view.pager.context:
            text.append("   all lines around", self.ink("warn"))
        room = max(self.size.width - text.cell_len - 30, 12)
        text.append(f"   {cut(visible(wanted.text, _FILTER), room)}", self.ink("accent"))
        matches = self._watch.collection.matches
        if matches is not None:
            word = "match" if matches.found == 1 else "matches"
            text.append(f"   {matches.found:,} {word}", self.ink("strong"))
            if matches.progress < 1:
                text.append(f", {_percent(matches.progress)}", self.ink("dim"))

    def _problem(self) -> str:
        collection, pager = self._watch.collection, self._view.pager
        return self._watch.log_problem or collection.problem or pager.problem

    def _names(self) -> str:
        names = [visible(path.name, 40) for path in self._watch.target.logs]
        return cut(", ".join(names), max(self.size.width // 4, 8))

    def _counts(self) -> str:
        collection = self._watch.collection
        lines, own = collection.lines, collection.hidden_lines
        if lines is None:
            return f"counting lines, {_percent(collection.progress)}"
        row = self._view.selected_row
        single = len(collection.parts) == 1 and row is not None and not self._view.following
        number = self._view.pager.line_number(row) if single and row is not None else None
        counts = f"{lines - own:,}" if number is None or own else f"{number:,} of {lines:,}"
        counts += " line" if lines - own == 1 else " lines"
        if own:
            word = "left out" if self._watch.target.filter else "own polls left out"
            counts += f", {own:,} {word}"
        if collection.forgotten:
            counts += f", {size(collection.forgotten)} older forgotten"
        return counts


def _percent(progress: float) -> str:
    return f"{int(progress * 100)} %"
