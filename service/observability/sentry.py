"""Sentry. Imported only where SENTRY_DSN is set.

What leaves here was chosen: type, message and frames of the exception, and the request's method,
path and route. No header, body, query, cookie or local variable, and the log's redaction over all.
"""

import queue
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from contextvars import Context, copy_context
from time import monotonic
from typing import Any

import sentry_sdk
import structlog
from sentry_sdk.tracing import TransactionSource
from sentry_sdk.types import Event, Hint

from service.observability.build import DISTRIBUTION, UNKNOWN, build
from service.observability.errors import Request, reporters
from service.observability.redaction import redact, redact_text
from service.observability.spans import Answered, Received

DEPTH = 12
# Making an event takes milliseconds: a thread does it, for ten errors a second at most, so that a
# storm of them is no second trouble. What does not fit in the queue is in the log alone.
WAITING = 100
PAUSE = 0.1
log = structlog.get_logger()

KEPT = frozenset(
    {
        "contexts",
        "environment",
        "event_id",
        "exception",
        "level",
        "platform",
        "release",
        "request",
        "sdk",
        "server_name",
        "spans",
        "start_timestamp",
        "tags",
        "timestamp",
        "transaction",
        "transaction_info",
        "type",
        "user",
    }
)


def start(*, dsn: str, environment: str, traces_sample_rate: float) -> "Sentry":
    """Reports unexpected exceptions from now on."""
    about = build()
    commit = "" if about.commit == UNKNOWN else f"+{about.commit}"
    sentry_sdk.init(
        dsn=dsn,
        environment=environment,
        release=f"{DISTRIBUTION}@{about.version}{commit}",
        traces_sample_rate=traces_sample_rate or None,
        # Its integrations would read requests, queries and logs, and report what is no error here.
        default_integrations=False,
        auto_enabling_integrations=False,
        auto_session_tracking=False,
        include_local_variables=False,
        max_breadcrumbs=0,
        max_request_body_size="never",
        send_default_pii=False,
        spotlight=False,
        before_send=scrubbed,
        before_send_transaction=scrubbed,
    )
    return Sentry()


class Sentry:
    """Takes errors without making anybody wait, until `stop`."""

    def __init__(self) -> None:
        self._queue = queue.Queue[tuple[Context, Exception, Request] | None]()
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sentry", daemon=True)
        self._thread.start()
        reporters.append(self._take)

    def stop(self, limit: float) -> None:
        """Sends what waits, for `limit` seconds at most, and ends."""
        deadline = monotonic() + limit
        reporters.remove(self._take)
        self._ending.set()
        self._queue.put(None)
        self._thread.join(limit)
        sentry_sdk.get_client().close(timeout=max(0.0, deadline - monotonic()))

    def _take(self, error: Exception, request: Request) -> None:
        if self._queue.qsize() < WAITING:
            # With the context, which knows the trace.
            self._queue.put_nowait((copy_context(), error, request))

    def _run(self) -> None:
        while (item := self._queue.get()) is not None:
            context, error, request = item
            try:
                context.run(_capture, error, request)
            except Exception as failure:  # whatever the SDK did not expect
                log.warning("an error could not be reported", exc_info=failure)
            self._ending.wait(PAUSE)


def _capture(error: Exception, request: Request) -> None:
    with sentry_sdk.new_scope() as scope:
        scope.set_tag("request_id", request.id)
        scope.set_tag("method", request.method)
        scope.set_tag("route", request.route or "none")
        if request.route:
            scope.set_transaction_name(f"{request.method} {request.route}", TransactionSource.ROUTE)
        if request.user_id is not None:
            scope.set_user({"id": str(request.user_id)})

        def add_request(event: Event, _hint: Hint) -> Event:
            event["request"] = {"method": request.method, "url": request.path}
            return event

        scope.add_event_processor(add_request)
        scope.capture_exception(error)


def scrubbed(event: Event, _hint: Hint) -> Event:
    """The event without what is not meant for anybody."""
    kept: dict[str, Any] = {name: value for name, value in event.items() if name in KEPT}
    for exception in kept.get("exception", {}).get("values", ()):
        # PostgreSQL's DETAIL repeats the row.
        exception["value"] = redact_text(str(exception.get("value")).partition("\nDETAIL:")[0])
        for frame in (exception.get("stacktrace") or {}).get("frames", ()):
            frame.pop("vars", None)
    redacted: Event = redact(kept, DEPTH)
    return redacted


class _Transaction:
    traceparent = None

    def __init__(self, transaction: Any, method: str) -> None:
        self._transaction = transaction
        self._method = method

    def answered(self, answer: Answered) -> None:
        if answer.route:
            self._transaction.name = f"{self._method} {answer.route}"
            self._transaction.source = TransactionSource.ROUTE
        if answer.status:
            self._transaction.set_http_status(answer.status)
        if answer.user_id is not None:
            sentry_sdk.set_user({"id": str(answer.user_id)})


@contextmanager
def transaction(received: Received) -> Iterator[_Transaction]:
    """A transaction, as `spans.Begin` says."""
    headers: Mapping[str, str] = received.headers
    with sentry_sdk.isolation_scope():
        continued = sentry_sdk.continue_trace(
            dict(headers), op="http.server", name=received.method, source=TransactionSource.URL
        )
        with sentry_sdk.start_transaction(continued) as made:
            yield _Transaction(made, received.method)
