"""The table of instances."""

from itertools import islice

from rich.text import Text
from textual.app import RenderResult
from textual.geometry import Size

from console.figures import availability, milliseconds, sparkline
from console.health.instances import Instance
from console.text import cut, visible
from console.watch.watch import Watch
from console.widgets.ink import Ink, Inked

__all__ = ["InstanceTable"]

_STATUS, _LATENCY, _UPTIME = 9, 16, 7
_SPARE = 2 + _STATUS + _LATENCY + _UPTIME + 2 * 5
# Milliseconds of a full bar, unless one was slower: a healthy instance's ups and downs stay low.
_SLOW = 200.0
_DOTS = {"healthy": "●", "unhealthy": "✖", "waiting": "○"}
_INKS: dict[str, Ink] = {"healthy": "good", "unhealthy": "bad", "waiting": "dim"}


class InstanceTable(Inked):
    """One line per instance; why it is not healthy stands in the place of its figures."""

    def __init__(self, watch: Watch) -> None:
        super().__init__()
        self._watch = watch

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """One line for the heading, one for each instance."""
        del container, viewport, width
        return 1 + max(len(self._watch.instances), 1)

    def render(self) -> RenderResult:
        """Draw the table."""
        if not self._watch.instances:
            return Text("no health URL: give one with --health [NAME=]URL", self.ink("dim"))
        names = [len(visible(i.endpoint.name)) for i in self._watch.instances]
        flexible = self.size.width - _SPARE
        name = min(max(4, *names), max(flexible // 2, 8))
        database = min(max((flexible - name) // 2, 9), 60)
        spark = max(flexible - name - database, 0)
        polls = "LAST POLLS" if spark >= len("LAST POLLS") else "POLLS"
        text = Text()
        text.append(
            f"  {'NAME':<{name}}  {'STATUS':<{_STATUS}}  {'DATABASE':<{database}}  "
            f"{'LATENCY p50/p99':<{_LATENCY}}  {cut(polls, spark):>{spark}}  {'UPTIME':>7}",
            self.ink("dim"),
        )
        for instance in self._watch.instances:
            text.append("\n")
            self._row(text, instance, name, database, spark)
        return text

    def _row(self, text: Text, instance: Instance, name: int, database: int, spark: int) -> None:
        status, last = instance.status, instance.last
        ink = self.ink(_INKS[status])
        text.append(f"{_DOTS[status]} ", ink)
        text.append(f"{visible(instance.endpoint.name, name):<{name}}  ")
        text.append(f"{status:<{_STATUS}}  ", ink)
        if last is not None and not last.healthy:
            wide = database + 2 + _LATENCY
            reason = Text(visible(last.reason), ink)
            reason.truncate(wide, overflow="ellipsis", pad=True)
            text.append_text(reason).append("  ")
        else:
            told = Text(visible(last.database) if last else "")
            told.truncate(database, overflow="ellipsis", pad=True)
            text.append_text(told).append("  ")
            text.append(f"{_latency(instance):<{_LATENCY}}  ")
        self._polls(text, instance, spark)
        text.append(f"  {availability(instance.uptime):>{_UPTIME}}")

    def _polls(self, text: Text, instance: Instance, width: int) -> None:
        """A bar as high as its poll was slow; a full red one for a poll that found it unwell."""
        polls = list(islice(reversed(instance.polls), width))[::-1]
        bars = sparkline(
            [poll.latency if poll.healthy else None for poll in polls], width, least_top=_SLOW
        )
        for bar, poll in zip(bars[width - len(polls) :], polls, strict=True):
            if poll is polls[0]:
                text.append(" " * (width - len(polls)))
            text.append(*((bar, self.ink("accent")) if poll.healthy else ("█", self.ink("bad"))))
        if not polls:
            text.append(" " * width)


def _latency(instance: Instance) -> str:
    median, slow = instance.latency(0.5), instance.latency(0.99)
    if median is None or slow is None:
        return "-"
    if slow < 9_999:
        return f"{median:>5,.0f} / {slow:,.0f} ms"
    return f"{milliseconds(median)} / {milliseconds(slow)}"
