"""Errors and traces for those who receive them; without any, nothing of it is loaded or called."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from functools import cache, partial
from urllib.parse import quote

import structlog
from hypercorn.typing import ASGIFramework, ASGIReceiveCallable, ASGISendCallable, HTTPScope, Scope

from service.config import Config
from service.http.application import Application
from service.http.exchange import Exchange, current_exchange
from service.http.proxies import TrustedProxies
from service.observability.ending import end
from service.observability.metrics import METHODS
from service.observability.spans import Answered, Begin, Received

# What watches the service is no traffic.
UNTRACED = re.compile(r"/(?:health|metrics)(?:/.*)?", re.DOTALL)
VARIABLE = re.compile(r"<(?:[^:<>]+:)?([^<>]+)>")
# A stop waits no longer for a receiver: Gunicorn leaves three seconds after the drain.
FLUSH_LIMIT = 2.0

log = structlog.get_logger()


@asynccontextmanager
async def telling(app: Application) -> AsyncIterator[None]:
    """During the block, Sentry is told of errors and OpenTelemetry of requests, where configured.

    From start-up on, not from the making of the application: their threads do not survive a fork.
    """
    untraced = app.asgi_app
    endings: list[Callable[[], None]] = []
    settings = app.settings
    if settings.SENTRY_DSN:
        _start(_sentry, app, endings)
    if settings.OTEL_EXPORTER_OTLP_ENDPOINT:
        _start(_opentelemetry, app, endings)
    try:
        yield
    finally:
        app.asgi_app = untraced  # type: ignore[method-assign]
        await end(endings, limit=FLUSH_LIMIT)


def _start(
    how: Callable[[Application, list[Callable[[], None]]], None],
    app: Application,
    endings: list[Callable[[], None]],
) -> None:
    try:
        how(app, endings)
    except Exception:  # whatever these need, the service does not need it
        log.exception("errors or traces are not sent")


def _sentry(app: Application, endings: list[Callable[[], None]]) -> None:
    from service.observability import sentry  # noqa: PLC0415

    settings = app.settings
    client = sentry.start(
        dsn=settings.SENTRY_DSN,
        environment=settings.SENTRY_ENVIRONMENT or settings.ENVIRONMENT,
        traces_sample_rate=settings.SENTRY_TRACES_SAMPLE_RATE,
    )
    endings.append(partial(client.stop, FLUSH_LIMIT))
    if settings.SENTRY_TRACES_SAMPLE_RATE:
        _trace(app, sentry.transaction)


def _opentelemetry(app: Application, endings: list[Callable[[], None]]) -> None:
    from service.observability.tracing import Tracing  # noqa: PLC0415

    settings = app.settings
    tracing = Tracing(
        endpoint=settings.OTEL_EXPORTER_OTLP_ENDPOINT,
        headers=settings.OTEL_EXPORTER_OTLP_HEADERS,
        environment=settings.ENVIRONMENT,
    )
    endings.append(tracing.stop)
    tracing.watch(app.database.engine.sync_engine)
    app.database.watch_statements()
    _trace(app, tracing.request)


def _trace(app: Application, begin: Begin) -> None:
    app.asgi_app = Traced(app.asgi_app, begin, app.settings)  # type: ignore[method-assign]


class Traced:
    """Wraps the application in a span for each request."""

    def __init__(self, app: ASGIFramework, begin: Begin, settings: Config) -> None:
        self._app = app
        self._begin = begin
        self._proxies = TrustedProxies(settings.FORWARDED_ALLOW_IPS)

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """ASGI."""
        if scope["type"] != "http" or UNTRACED.fullmatch(scope["path"]):
            await self._app(scope, receive, send)
            return
        with self._begin(_received(self._proxies.applied_to(scope))) as span:
            if own := span.traceparent:
                # As a proxy that traces would: the request's log line names this span's trace.
                headers = [each for each in scope["headers"] if each[0] != b"traceparent"]
                headers.append((b"traceparent", own.encode()))
                scope = {**scope, "headers": headers}
            try:
                await self._app(scope, receive, send)
            finally:
                span.answered(_answered(current_exchange.get()))


def _received(scope: HTTPScope) -> Received:
    method, path, client = scope["method"], scope["path"], scope.get("client")
    return Received(
        method=method if method in METHODS else "_OTHER",
        path=path if path.isascii() and path.isprintable() else quote(path),
        scheme=scope["scheme"],
        http_version=scope["http_version"],
        client=client[0] if client else None,
        headers={
            name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]
        },
    )


def _answered(exchange: Exchange) -> Answered:
    route = _template(exchange.route) if exchange.route else None
    return Answered(route, exchange.status, exchange.user_id)


@cache
def _template(rule: str) -> str:
    """`/users/<id:user_id>` as `/users/{user_id}`."""
    return VARIABLE.sub(r"{\1}", rule)
