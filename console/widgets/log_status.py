"""One line about the log: what is shown of it, and what is not."""

from rich.text import Text
from textual.app import RenderResult

from console.text import cut, visible
from console.watch.watch import Watch
from console.widgets.ink import Inked
from console.widgets.log_view import LogView

__all__ = ["LogStatus"]


class LogStatus(Inked):
    """Following or not at the left, files and counts at the right."""

    def __init__(self, watch: Watch, view: LogView) -> None:
        super().__init__()
        self._watch = watch
        self._view = view

    def render(self) -> RenderResult:
        """Draw the line."""
        text = Text()
        view = self._view
        if view.paused:
            text.append(f" paused  {view.waiting:,} new lines waiting", self.ink("warn"))
        elif view.following:
            text.append(" following", self.ink("good"))
        else:
            text.append(f" {view.unseen:,} new lines below", self.ink("warn"))
        if view.level != "all":
            text.append(f"   level {view.level} and above", self.ink("accent"))
        if view.request_id:
            text.append(f"   request {visible(view.request_id, 24)}", self.ink("accent"))
        if problem := self._watch.log_problem:
            text.append(f"   {visible(problem)}", self.ink("bad"))
            return text
        counts = self._counts()
        room = self.size.width - text.cell_len - len(counts) - 4
        names = ", ".join(visible(path.name) for path in self._watch.target.logs)
        if room >= 8:
            names = cut(names, room)
            gap = " " * (self.size.width - text.cell_len - len(names) - len(counts) - 3)
            text.append(f"{gap}{names}  {counts}", self.ink("dim"))
        return text

    def _counts(self) -> str:
        records, shown = self._watch.records, self._view.row_count
        kept = records.end - records.first
        counts = f"{kept:,}" if shown == kept else f"{shown:,} of {kept:,}"
        counts += " line" if kept == 1 else " lines"
        if records.first:
            counts += f", {records.first:,} older dropped"
        if polls := self._watch.own_polls:
            counts += f", {polls:,} own polls left out"
        return counts
