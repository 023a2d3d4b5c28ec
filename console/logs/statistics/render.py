"""A summary as a plain text for people."""

from collections.abc import Iterator, Sequence
from itertools import zip_longest

from console.figures import count, length, moment, percent, rate
from console.logs.statistics.bars import bars
from console.logs.statistics.sections import Section, latencies, sections
from console.logs.statistics.summary import Summary
from console.logs.statistics.tables import table
from console.text import fit, width_of

__all__ = ["overview", "render"]

_LEAST_WIDTH = 40
_GAP = "   "


def render(summary: Summary, width: int) -> str:
    """Return the summary as lines of at most `width` columns (40 at least); times are local.

    Nothing in it can do more to a terminal than to be read.
    """
    width = max(width, _LEAST_WIDTH)
    parts = [
        overview(summary, width),
        bars(summary.histogram, width),
        *(_section(each, width) for each in sections(summary)),
    ]
    texts = ["\n".join(line.rstrip() for line in part) for part in parts]
    return "\n\n".join(filter(None, texts)) + "\n"


def overview(summary: Summary, width: int) -> Iterator[str]:
    """Yield what is told of all lines, as lines of at most `width` columns."""
    time = summary.time
    facts = [_counted(summary.lines, "line")]
    if time.first and time.last:
        facts += [f"{moment(time.first, date=True)} to {moment(time.last, date=True)}"]
        facts += [length(time.seconds)]
    if time.undated:
        facts += [f"{count(time.undated)} without a time"]
    if time.outside:
        facts += [f"{count(time.outside)} at quite another time, left out of rates and bars"]
    yield from _wrapped(facts, width)
    if summary.requests:
        facts = [_counted(summary.requests, "request"), f"{rate(time.requests_per_second)}/s"]
        if time.busiest:
            peak = f"peak {rate(time.peak_per_second)}/s at {moment(time.busiest)}"
            long = time.busiest_seconds > 1
            facts += [f"{peak} for {length(time.busiest_seconds)}" if long else peak]
        facts += [f"{percent(summary.error_ratio)} failed ({count(summary.failed)})"]
        yield from _wrapped(facts, width)
    if latency := summary.latency_ms:
        names = zip(("p50", "p95", "p99", "max"), latencies(latency), strict=True)
        error = f"± {summary.latency_relative_error * 100:g} %"
        yield from _wrapped(["latency", *(f"{name} {text}" for name, text in names), error], width)
    if summary.levels:
        levels = [f"{level or 'none'} {count(lines)}" for level, lines in summary.levels.items()]
        yield from _wrapped(["levels", *levels], width)
    if summary.statuses:
        told = [f"{status} {count(n)}" for status, n in summary.statuses.items()]
        yield from _wrapped(["status", *told], width)


def _section(section: Section, width: int) -> Iterator[str]:
    lines = table(section.heading, section.rows, width)
    for line, more in zip_longest(lines, ("", *section.more), fillvalue=""):
        yield line
        if more:
            yield fit(f"  {more}", width)
    if section.short:
        yield fit(section.short, width)


def _wrapped(facts: Sequence[str], width: int) -> Iterator[str]:
    line = ""
    for fact in facts:
        longer = f"{line}{_GAP}{fact}" if line else fact
        if line and width_of(longer) > width:
            yield fit(line, width)
            longer = f"  {fact}"
        line = longer
    yield fit(line, width)


def _counted(number: int, what: str) -> str:
    return f"{count(number)} {what}{'' if number == 1 else 's'}"
