"""What Prometheus is told. With PROMETHEUS_MULTIPROC_DIR set, the processes of one machine add up.

A label never holds what a client chose: routes are patterns, methods are those of HTTP.
"""

import os

from prometheus_client import REGISTRY as PROCESS
from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
    generate_latest,
)
from prometheus_client.exposition import CONTENT_TYPE_LATEST
from prometheus_client.multiprocess import MultiProcessCollector

disable_created_metrics()  # type: ignore[no-untyped-call]  # a second sample for every one
CONTENT_TYPE = CONTENT_TYPE_LATEST
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"})
# In seconds: fine where an API should be, coarse where it should not.
BUCKETS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0)

requests = Counter("http_requests_total", "Requests answered.", ["method", "route", "status"])
duration = Histogram(
    "http_request_duration_seconds",
    "How long requests took.",
    ["method", "route"],
    buckets=BUCKETS,
)
rate_limit_store_up = Gauge(
    "rate_limit_store_up",
    "Whether the store of rate limits answers; 0: reads are not limited, logins are refused.",
    multiprocess_mode="livemin",
)
rate_limit_store_failures = Counter(
    "rate_limit_store_failures_total", "Requests whose limit could not be counted."
)


def observe(method: str, route: str | None, status: int, seconds: float) -> None:
    """Notes one request."""
    method = method if method in METHODS else "other"
    route = route or "none"
    requests.labels(method, route, str(status)).inc()
    duration.labels(method, route).observe(seconds)


def exposition() -> bytes:
    """Everything, in Prometheus's text format."""
    if "PROMETHEUS_MULTIPROC_DIR" not in os.environ:
        return generate_latest(PROCESS)
    registry = CollectorRegistry()
    MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    return generate_latest(registry)
