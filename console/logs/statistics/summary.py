"""What is told of all that was counted: for programs as JSON, for people by `render`."""

import heapq
from collections.abc import Mapping
from datetime import datetime

import msgspec

from console.logs.statistics.failures import Failure
from console.logs.statistics.heavy import Tally
from console.logs.statistics.routes import Route
from console.logs.statistics.sightings import Sighting
from console.logs.statistics.sketch import RELATIVE_ERROR, Sketch
from console.logs.statistics.state import State
from console.logs.statistics.timespan import Histogram, Timespan, timespan_of

__all__ = ["FailureFigures", "Latency", "Named", "RouteFigures", "Summary", "summarise"]


class Latency(msgspec.Struct, frozen=True):
    """Milliseconds, each within RELATIVE_ERROR of a duration that really has that rank."""

    p50: float
    p95: float
    p99: float
    max: float


class Named(msgspec.Struct, frozen=True):
    """A client or a user, and how many lines are theirs."""

    name: str
    lines: int


class RouteFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Requests to a route: those answered with 400 to 499 are refused, those above have failed.

    `total_ms` is the time that all of them took together.
    """

    route: str
    requests: int
    refused: int
    failed: int
    latency_ms: Latency | None
    total_ms: float


class FailureFigures(msgspec.Struct, frozen=True, kw_only=True):
    """One kind of error; `samples` are the newest lines that tell of it."""

    signature: str
    count: int
    first: datetime | None
    last: datetime | None
    samples: list[Sighting]


class Summary(msgspec.Struct, frozen=True, kw_only=True):
    """A log in figures. Names come with the most frequent first; routes with the one that took the
    most time.

    A request is a line with a status; it has failed when that is 500 or more. `…_short_by` says by
    how much the counts of a list may be too low, because there were too many names to keep: 0 while
    they are exact.
    """

    lines: int
    levels: dict[str, int]
    time: Timespan
    requests: int
    failed: int
    error_ratio: float | None
    statuses: dict[int, int]
    latency_ms: Latency | None
    latency_relative_error: float = RELATIVE_ERROR
    total_ms: float
    routes: list[RouteFigures]
    routes_short_by: int
    signatures: list[FailureFigures]
    signatures_short_by: int
    clients: list[Named]
    clients_short_by: int
    users: list[Named]
    users_short_by: int
    slowest: list[Sighting]
    histogram: Histogram


def summarise(state: State, *, top: int, bars: int) -> Summary:
    """Return what there is to tell: at most `top` of each list and `bars` bars."""
    every = state.routes.everything()
    longest = state.slowest.longest
    time, histogram = timespan_of(state.timeline, bars)
    routes = [_route(name, route, longest) for name, route in state.routes.known.items()]
    routes.sort(key=lambda each: (-each.total_ms, -each.requests, each.route))
    return Summary(
        lines=sum(state.levels.values()),
        levels=dict(sorted(state.levels.items())),
        time=time,
        requests=every.count,
        failed=every.failed,
        error_ratio=every.failed / every.count if every.count else None,
        statuses=dict(sorted(state.statuses.items())),
        latency_ms=_latency(every.durations, longest),
        total_ms=every.durations.total,
        routes=routes[:top],
        routes_short_by=state.routes.lost,
        signatures=_failures(state.failures.known, top),
        signatures_short_by=state.failures.lost,
        clients=_named(state.clients, top),
        clients_short_by=state.clients.lost,
        users=_named(state.users, top),
        users_short_by=state.users.lost,
        slowest=state.slowest.kept[:top],
        histogram=histogram,
    )


def _latency(durations: Sketch, longest: float) -> Latency | None:
    if not durations.count:
        return None
    # None took longer than the slowest, of which it is known exactly how long it took.
    return Latency(*(min(each, longest) for each in durations.quantiles([0.5, 0.95, 0.99, 1.0])))


def _route(name: str, route: Route, longest: float) -> RouteFigures:
    return RouteFigures(
        route=name,
        requests=route.count,
        refused=route.refused,
        failed=route.failed,
        latency_ms=_latency(route.durations, longest),
        total_ms=route.durations.total,
    )


def _failures(failures: Mapping[str, Failure], top: int) -> list[FailureFigures]:
    most = heapq.nsmallest(top, failures.items(), key=lambda item: (-item[1].count, item[0]))
    return [
        FailureFigures(
            signature=name,
            count=each.count,
            first=each.first,
            last=each.last,
            samples=each.samples,
        )
        for name, each in most
    ]


def _named(tally: Tally, top: int) -> list[Named]:
    return [Named(name, lines) for name, lines in tally.top(top)]
