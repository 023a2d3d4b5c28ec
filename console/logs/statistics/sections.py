"""The lists of a summary, as headings and rows of texts."""

from collections.abc import Iterator, Sequence
from typing import Literal, NamedTuple

from console.figures import count, milliseconds, moment, percent
from console.logs.statistics.sightings import Sighting
from console.logs.statistics.summary import FailureFigures, Latency, Named, RouteFigures, Summary
from console.text import visible

__all__ = ["Item", "Kind", "Section", "latencies", "sections"]

Kind = Literal["route", "error", "slowest", "client", "user"]
Item = RouteFigures | FailureFigures | Sighting | Named

_NAMES = 10
_GAP = "   "


class Section(NamedTuple):
    """A list: a row for each of `items`; below it, `more` has what else there is to tell of each.

    `short` tells by how much the counts may be too low; empty while they are exact.
    """

    kind: Kind
    heading: Sequence[str]
    rows: Sequence[Sequence[str]]
    items: Sequence[Item]
    more: Sequence[str] = ()
    short: str = ""


def sections(summary: Summary) -> Iterator[Section]:
    """Yield the lists that have anything in them; the first cell of a row is as it was logged."""
    every = (
        _routes(summary),
        _errors(summary),
        _slowest(summary),
        _names("client", summary.clients, summary.clients_short_by),
        _names("user", summary.users, summary.users_short_by),
    )
    return (section for section in every if section.rows)


def latencies(latency: Latency | None) -> Sequence[str]:
    """Return p50, p95, p99 and the longest."""
    if latency is None:
        return ("-",) * 4
    return [milliseconds(each) for each in (latency.p50, latency.p95, latency.p99, latency.max)]


def _routes(summary: Summary) -> Section:
    all_ms = summary.total_ms or 1.0
    rows = [
        (
            each.route,
            count(each.requests),
            percent(each.failed / each.requests),
            *latencies(each.latency_ms),
            percent(each.total_ms / all_ms),
        )
        for each in summary.routes
    ]
    heading = ("ROUTE", "REQUESTS", "FAILED", "P50", "P95", "P99", "MAX", "TIME")
    return Section(
        "route", heading, rows, summary.routes, short=_short("requests", summary.routes_short_by)
    )


def _errors(summary: Summary) -> Section:
    rows = [
        (each.signature, count(each.count), moment(each.first), moment(each.last))
        for each in summary.signatures
    ]
    return Section(
        "error",
        ("ERROR", "COUNT", "FIRST", "LAST"),
        rows,
        summary.signatures,
        list(map(_samples, summary.signatures)),
        _short("errors", summary.signatures_short_by),
    )


def _samples(failure: FailureFigures) -> str:
    where = next((each.where for each in failure.samples if each.where), "")
    requests = " ".join(each.request_id for each in failure.samples if each.request_id)
    return _GAP.join(filter(None, (where, requests)))


def _slowest(summary: Summary) -> Section:
    rows = [
        (
            each.where,
            str(each.status),
            milliseconds(each.duration_ms),
            moment(each.at),
            visible(each.request_id, 36),
        )
        for each in summary.slowest
    ]
    heading = ("SLOWEST", "STATUS", "TOOK", "AT", "REQUEST")
    return Section("slowest", heading, rows, summary.slowest)


def _names(kind: Literal["client", "user"], names: Sequence[Named], short_by: int) -> Section:
    shown = names[:_NAMES]
    rows = [(each.name, count(each.lines)) for each in shown]
    return Section(
        kind, (f"{kind.upper()}S", "LINES"), rows, shown, short=_short("lines", short_by)
    )


def _short(what: str, short_by: int) -> str:
    if not short_by:
        return ""
    return f"too many to keep: up to {count(short_by)} {what} of each are missing"
