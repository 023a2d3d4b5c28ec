"""A summary as a plain text for people."""

from collections.abc import Iterator, Sequence

from console.figures import count, length, milliseconds, moment, percent, rate
from console.logs.statistics.bars import bars
from console.logs.statistics.sightings import Sighting
from console.logs.statistics.summary import FailureFigures, Latency, Named, Summary
from console.logs.statistics.tables import fit, table, width_of
from console.text import visible

__all__ = ["render"]

_LEAST_WIDTH = 40
_GAP = "   "
_NAMES = 10


def render(summary: Summary, width: int) -> str:
    """Return the summary as lines of at most `width` columns (40 at least); times are local.

    Nothing in it can do more to a terminal than to be read.
    """
    width = max(width, _LEAST_WIDTH)
    sections = (
        _overview(summary, width),
        bars(summary.histogram, width),
        _routes(summary, width),
        _signatures(summary, width),
        _slowest(summary, width),
        _names("CLIENTS", summary.clients, summary.clients_short_by, width),
        _names("USERS", summary.users, summary.users_short_by, width),
    )
    texts = ["\n".join(line.rstrip() for line in section) for section in sections]
    return "\n\n".join(filter(None, texts)) + "\n"


def _overview(summary: Summary, width: int) -> Iterator[str]:
    time = summary.time
    facts = [f"{count(summary.lines)} lines"]
    if time.first and time.last:
        facts += [f"{moment(time.first, date=True)} to {moment(time.last, date=True)}"]
        facts += [length(time.seconds)]
    if time.undated:
        facts += [f"{count(time.undated)} without a time"]
    if time.outside:
        facts += [f"{count(time.outside)} at quite another time, left out of rates and bars"]
    yield from _wrapped(facts, width)
    if summary.requests:
        facts = [f"{count(summary.requests)} requests", f"{rate(time.requests_per_second)}/s"]
        if time.busiest:
            peak = f"peak {rate(time.peak_per_second)}/s at {moment(time.busiest)}"
            long = time.busiest_seconds > 1
            facts += [f"{peak} for {length(time.busiest_seconds)}" if long else peak]
        facts += [f"{percent(summary.error_ratio)} failed ({count(summary.failed)})"]
        yield from _wrapped(facts, width)
    if latency := summary.latency_ms:
        names = zip(("p50", "p95", "p99", "max"), _latencies(latency), strict=True)
        error = f"± {summary.latency_relative_error * 100:g} %"
        yield from _wrapped(["latency", *(f"{name} {text}" for name, text in names), error], width)
    levels = [f"{level or 'none'} {count(lines)}" for level, lines in summary.levels.items()]
    yield from _wrapped(["levels", *levels], width)
    if summary.statuses:
        told = [f"{status} {count(n)}" for status, n in summary.statuses.items()]
        yield from _wrapped(["status", *told], width)


def _routes(summary: Summary, width: int) -> Iterator[str]:
    if not summary.routes:
        return
    all_ms = summary.total_ms or 1.0
    heading = ("ROUTE", "REQUESTS", "FAILED", "P50", "P95", "P99", "MAX", "TIME")
    rows = [
        (
            each.route,
            count(each.requests),
            percent(each.failed / each.requests),
            *_latencies(each.latency_ms),
            percent(each.total_ms / all_ms),
        )
        for each in summary.routes
    ]
    yield from table(heading, rows, width)
    yield from _short("requests", summary.routes_short_by, width)


def _signatures(summary: Summary, width: int) -> Iterator[str]:
    if not summary.signatures:
        return
    heading = ("ERROR", "COUNT", "FIRST", "LAST")
    rows = [
        (each.signature, count(each.count), moment(each.first), moment(each.last))
        for each in summary.signatures
    ]
    first, *lines = table(heading, rows, width)
    yield first
    for line, each in zip(lines, summary.signatures, strict=True):
        yield line
        yield from _samples(each, width)
    yield from _short("errors", summary.signatures_short_by, width)


def _samples(failure: FailureFigures, width: int) -> Iterator[str]:
    where = next((each.where for each in failure.samples if each.where), "")
    requests = " ".join(each.request_id for each in failure.samples if each.request_id)
    told = _GAP.join(filter(None, (where, requests)))
    if told:
        yield fit(f"  {told}", width)


def _slowest(summary: Summary, width: int) -> Iterator[str]:
    if not summary.slowest:
        return
    heading = ("SLOWEST", "STATUS", "TOOK", "AT", "REQUEST")
    yield from table(heading, [_slow(each) for each in summary.slowest], width)


def _slow(sighting: Sighting) -> Sequence[str]:
    return (
        sighting.where,
        str(sighting.status),
        milliseconds(sighting.duration_ms),
        moment(sighting.at),
        visible(sighting.request_id, 36),
    )


def _names(title: str, names: Sequence[Named], short_by: int, width: int) -> Iterator[str]:
    if not names:
        return
    rows = [(each.name, count(each.lines)) for each in names[:_NAMES]]
    yield from table((title, "LINES"), rows, width)
    yield from _short("lines", short_by, width)


def _short(what: str, short_by: int, width: int) -> Iterator[str]:
    if short_by:
        yield fit(f"too many to keep: up to {count(short_by)} {what} of each are missing", width)


def _latencies(latency: Latency | None) -> Sequence[str]:
    if latency is None:
        return ("-",) * 4
    return [milliseconds(each) for each in (latency.p50, latency.p95, latency.p99, latency.max)]


def _wrapped(facts: Sequence[str], width: int) -> Iterator[str]:
    line = ""
    for fact in facts:
        longer = f"{line}{_GAP}{fact}" if line else fact
        if line and width_of(longer) > width:
            yield fit(line, width)
            longer = f"  {fact}"
        line = longer
    yield fit(line, width)
