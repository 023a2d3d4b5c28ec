"""What Prometheus is told. With PROMETHEUS_MULTIPROC_DIR set, the processes of one machine add up.

A label never holds what a client chose: routes are patterns, methods are those of HTTP.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path

from prometheus_client import REGISTRY as PROCESS
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    Metric,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from service.observability.build import build
from service.observability.writer import LOST

# Before any metric: each makes its file there.
FOLDER = None
if "PROMETHEUS_MULTIPROC_DIR" in os.environ:
    from service.observability import processes

    FOLDER = Path(os.environ["PROMETHEUS_MULTIPROC_DIR"])
    processes.make(FOLDER)

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample for every one
CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# In seconds: fine where an API should be, coarse where it should not.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)
LAG_BUCKETS = (0.001, *BUCKETS)

# Gauges hold what `publish` last noted. "live": those of processes that serve, no others.
requests = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
duration = Histogram(
    "http_request_duration_seconds",
    "How long requests took.",
    ["method", "route"],
    buckets=BUCKETS,
)
in_progress = Gauge(
    "http_requests_in_progress",
    "Requests being answered, the one for these metrics among them.",
    multiprocess_mode="livesum",
)
pool_connections = Gauge(
    "database_pool_connections",
    "Connections of the pools, in_use (those being opened among them) or idle.",
    ["state"],
    multiprocess_mode="livesum",
)
pool_maximum = Gauge(
    "database_pool_max_connections",
    "Connections the pools may open together.",
    multiprocess_mode="livesum",
)
pool_waiting = Gauge(
    "database_pool_waiting",
    "Requests waiting for a connection because their pool has none left.",
    multiprocess_mode="livesum",
)
pool_timeouts = Counter(
    "database_pool_timeouts_total", "Requests that waited for a connection in vain."
)
breaker_open = Gauge(
    "database_breaker_open",
    "Processes that refuse what needs the database, because it is away.",
    multiprocess_mode="livesum",
)
breaker_openings = Counter(
    "database_breaker_openings_total", "How often the database has gone away, for a process."
)
log_lines_lost = Counter(
    "log_lines_lost_total", "Log lines that neither their file or stream took nor standard error."
)
loop_lag = Histogram(
    "event_loop_lag_seconds",
    "How late the event loops wake up, measured twice a second.",
    buckets=LAG_BUCKETS,
)
rate_limit_store_up = Gauge(
    "rate_limit_store_up",
    "Whether the store of rate limits answers; 0: reads are not limited, logins are refused.",
    multiprocess_mode="livemin",
)
rate_limit_store_failures = Counter(
    "rate_limit_store_failures_total", "Requests whose limit could not be counted."
)
fallback_key_tokens = Counter(
    "jwt_fallback_key_tokens_total", "Tokens accepted by one of JWT_SECRET_KEY_FALLBACKS."
)


class Progress:
    """How many requests this process is answering."""

    __slots__ = ("requests",)

    def __init__(self) -> None:
        self.requests = 0


progress = Progress()
_Series = tuple[Callable[[], None], Callable[[float], None]]
_series: dict[tuple[str, str | None, int], _Series] = {}


def observe(method: str, route: str | None, status: int, seconds: float) -> None:
    """Notes one request."""
    try:
        count, time = _series[method, route, status]
    except KeyError:
        count, time = _series_of(method, route, status)
    count()
    time(seconds)


def _series_of(method: str, route: str | None, status: int) -> _Series:
    method = method if method in METHODS else "other"
    labels = method, route or "none"
    made = requests.labels(*labels, str(status)).inc, duration.labels(*labels).observe
    # Under the label, not under what the client sent: it must not grow with what they think of.
    _series[method, route, status] = made
    return made


class Publisher:
    """Notes the gauges of this process, as they are now."""

    def __init__(self) -> None:
        self._timeouts = self._openings = 0
        self._lost = 0
        self._in_use = pool_connections.labels("in_use")
        self._idle = pool_connections.labels("idle")

    def publish(self, in_use: int, idle: int, maximum: int, waiting: int, timeouts: int) -> None:
        """Notes the requests in progress, the log lines lost, and the pool: its connections, how
        many it may have, who waits for one, and how many have waited in vain so far."""
        in_progress.set(progress.requests)
        self._in_use.set(in_use)
        self._idle.set(idle)
        pool_maximum.set(maximum)
        pool_waiting.set(waiting)
        pool_timeouts.inc(timeouts - self._timeouts)
        self._timeouts = timeouts
        lost = LOST.lines
        log_lines_lost.inc(lost - self._lost)
        self._lost = lost

    def publish_breaker(self, is_open: bool, openings: int) -> None:
        """Notes whether the database's breaker is open, and how often it has opened so far."""
        breaker_open.set(is_open)
        breaker_openings.inc(openings - self._openings)
        self._openings = openings


def serving() -> AbstractContextManager[None]:
    """This process's gauges count during the block."""
    return processes.serving(FOLDER) if FOLDER else nullcontext()


def gauge(name: str, told: str, value: float | None) -> Iterator[Metric]:
    """A metric that is known only when it is asked for; none where the value is not known."""
    if value is not None:
        yield GaugeMetricFamily(name, told, value=value)


def exposition(more: Iterable[Metric] = ()) -> bytes:
    """Everything, and `more`, in Prometheus's text format."""
    registry = CollectorRegistry()
    if FOLDER is None:
        registry.register(_Known([*more, *_about(1)]))
        return generate_latest(PROCESS) + generate_latest(registry)
    pids = processes.living(FOLDER)
    with processes.files(FOLDER, pids) as files:
        counted = MultiProcessCollector.merge(files)  # type: ignore[no-untyped-call]
    registry.register(_Known([*counted, *more, *_about(len(pids))]))
    return generate_latest(registry)


def _about(serving_processes: int) -> Iterator[Metric]:
    about = build()
    info = GaugeMetricFamily(
        "service_build_info",
        "The code that runs; always 1.",
        labels=("version", "commit", "python"),
    )
    info.add_metric((about.version, about.commit, about.python), 1)
    yield info
    yield from gauge(
        "service_processes", "Processes that serve, on this machine.", serving_processes
    )


class _Known(Collector):
    def __init__(self, metrics: list[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> list[Metric]:
        return self._metrics
