"""Requests and errors, as the log tells them."""

import time

from rich.text import Text
from textual.app import RenderResult

from console.figures import milliseconds, sparkline
from console.text import visible
from console.watch.watch import Watch
from console.widgets.ink import Inked

__all__ = ["TrafficPanel"]


class TrafficPanel(Inked):
    """Three lines: the figures of the last seconds, requests and errors second by second."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def render(self) -> RenderResult:
        """Draw the panel."""
        problem = self._watch.log_problem
        if problem and not self._watch.log_lines:
            text = Text(visible(problem), self.ink("warn"))
            if self._watch.target.logs:
                text.append("\nwaiting for it; --log FILE gives another", self.ink("dim"))
            return text
        text = Text()
        now = time.time()
        summary = self._watch.traffic.summary(now)
        rate = summary.requests_per_second
        text.append(f"{rate:,.0f}" if rate >= 10 else f"{rate:.1f}", self.ink("strong"))
        text.append(" req/s  ", self.ink("dim"))
        text.append(
            f"{summary.errors * 100:.1f} %", self.ink("bad" if summary.errors else "strong")
        )
        text.append(" errors  ", self.ink("dim"))
        text.append("p99 ", self.ink("dim"))
        text.append(milliseconds(summary.p99), self.ink("strong"))
        text.truncate(self.size.width, overflow="ellipsis")
        width = max(self.size.width - 10, 0)
        requests, errors = self._watch.traffic.series(now, width)
        text.append(f"\n{sparkline(requests, width)}", self.ink("accent"))
        text.append("  requests", self.ink("dim"))
        text.append(f"\n{sparkline(errors, width)}", self.ink("bad" if any(errors) else "dim"))
        text.append("  errors", self.ink("dim"))
        return text
