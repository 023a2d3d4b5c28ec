"""One pass around every request: its id, the headers of its answer, its log line."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from time import perf_counter
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from hypercorn.typing import (
    ASGIFramework,
    ASGIReceiveCallable,
    ASGISendCallable,
    HTTPScope,
    Scope,
)

from service.http.cors import Cors, Headers
from service.http.crowd import ALWAYS, refuse
from service.http.exchange import Exchange, current_exchange
from service.http.incoming import IncomingBody
from service.http.proxies import HOST, TrustedProxies, with_host
from service.observability import logging, metrics

# What a client may call its request: nothing that could forge a log line or grow without bound.
REQUEST_ID = re.compile(rb"[A-Za-z0-9._:+/=@-]{1,128}")
TRACEPARENT = re.compile(rb"[0-9a-f]{2}-(?!0{32})([0-9a-f]{32})-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}")
# nginx's code for a client that left before its answer.
CLIENT_CLOSED_REQUEST = 499

Header = tuple[bytes, bytes]

SECURITY_HEADERS: Sequence[Header] = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"SAMEORIGIN"),
    (b"x-xss-protection", b"1; mode=block"),
    (b"content-security-policy", b"default-src 'none'; frame-ancestors 'self'"),
    (b"referrer-policy", b"no-referrer"),
    (b"permissions-policy", b"camera=(), geolocation=(), microphone=(), payment=(), usb=()"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
)
CLOSING: Header = (b"connection", b"close")
LAST_PART: Any = {"type": "http.response.body", "body": b"", "more_body": False}
STRICT_TRANSPORT_SECURITY: Header = (b"strict-transport-security", b"max-age=31536000")


def constant_headers(*, strict_transport: bool) -> Sequence[Header]:
    """The headers of every answer, whatever it says."""
    return (*SECURITY_HEADERS, STRICT_TRANSPORT_SECURITY) if strict_transport else SECURITY_HEADERS


class RequestMiddleware:
    """Wraps the application, so that no answer leaves without its headers and its log line."""

    def __init__(
        self,
        app: ASGIFramework,
        headers: Sequence[Header],
        cors: Cors,
        proxies: TrustedProxies,
        *,
        most: int,
        largest: int,
    ) -> None:
        """`most`: requests that are worked on at once; beyond it they are refused. `largest`: bytes
        of a body."""
        self._app = app
        self._most = most
        self._largest = largest
        self._headers = list(headers)
        self._cors = cors
        self._proxies = proxies

    async def __call__(
        self, scope: Scope, receive: ASGIReceiveCallable, send: ASGISendCallable
    ) -> None:
        """ASGI."""
        if scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1000, "reason": None})
            return
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        started = perf_counter()
        scope = self._proxies.applied_to(scope)
        exchange = _open(scope)
        if exchange.host_is_wrong:
            scope = with_host(scope, b"invalid")  # Werkzeug fails on some before there is a request

        told_size = exchange.body_size if scope["http_version"] < "2" else 0
        body = IncomingBody(receive, told_size, self._largest) if told_size else None

        seconds = 0.0

        async def send_with_headers(message: Any) -> None:
            nonlocal seconds
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                message["headers"] = self._complete(message["headers"], scope, exchange)
                if body is not None and not await body.arrives():
                    message["headers"].append(CLOSING)
            elif body is not None and body.is_open and not message.get("more_body"):
                message["more_body"] = True
                await send(message)
                seconds = perf_counter() - started
                if exchange.status != HTTPStatus.REQUEST_TIMEOUT:
                    await body.linger()
                message = LAST_PART
            await send(message)

        logging.request_id.set(exchange.request_id)
        current_exchange.set(exchange)
        crowded = metrics.progress.requests >= self._most and not ALWAYS.fullmatch(scope["path"])
        app = refuse if crowded else self._app
        metrics.progress.requests += 1
        try:
            await app(scope, body or receive, send_with_headers)
        finally:
            metrics.progress.requests -= 1
            seconds = seconds or perf_counter() - started
            _log(scope, exchange, seconds)
            metrics.observe(scope["method"], exchange.route, _final(exchange.status), seconds)

    def _complete(
        self, own: Iterable[Header], scope: HTTPScope, exchange: Exchange
    ) -> list[Header]:
        """The application's headers and those of every answer, each once."""
        headers = list(own)
        present = {name for name, _ in headers}
        headers.extend(header for header in self._headers if header[0] not in present)
        headers.append((b"x-request-id", exchange.request_id.encode()))
        headers += exchange.headers
        if self._cors.varies:
            _vary_by_origin(headers)
        if exchange.origin is not None and (allowed := self._cors.headers(exchange.origin)):
            headers += allowed
            if scope["method"] == "OPTIONS":
                headers += self._preflight(scope)
        return headers

    def _preflight(self, scope: HTTPScope) -> Headers:
        asked = dict(scope["headers"])
        return self._cors.preflight(
            asked.get(b"access-control-request-method", b""),
            asked.get(b"access-control-request-headers", b""),
        )


def _vary_by_origin(headers: list[Header]) -> None:
    for at, (name, value) in enumerate(headers):
        if name == b"vary":
            headers[at] = (name, value + b", Origin")
            return
    headers.append((b"vary", b"Origin"))


def _open(scope: HTTPScope) -> Exchange:
    request_id = trace_id = origin = None
    body_size = 0
    host_is_wrong = False
    for name, value in scope["headers"]:
        if name == b"x-request-id" and REQUEST_ID.fullmatch(value):
            request_id = value.decode()
        elif name == b"traceparent" and (match := TRACEPARENT.fullmatch(value)):
            trace_id = match[1].decode()
        elif name == b"origin":
            origin = value
        elif name == b"content-length":
            body_size = int(value) if value.isdigit() else -1
        elif name == b"transfer-encoding":
            body_size = -1
        elif name == b"host" and not HOST.fullmatch(value):
            host_is_wrong = True
    exchange = Exchange(request_id or uuid4().hex, trace_id, origin, body_size)
    exchange.host_is_wrong = host_is_wrong
    return exchange


def _final(status: int | None) -> int:
    return status or CLIENT_CLOSED_REQUEST


def _log(scope: HTTPScope, exchange: Exchange, seconds: float) -> None:
    status = _final(exchange.status)
    path = scope["path"]
    client = scope.get("client")
    more: dict[str, Any] = {}
    if exchange.trace_id:
        more["trace_id"] = exchange.trace_id
    logging.emit(
        logging.record(
            "ERROR" if status >= 500 else "INFO",
            "request",
            method=scope["method"],
            path=path if path.isascii() and path.isprintable() else quote(path),
            status=status,
            duration_ms=round(seconds * 1000, 1),
            user_id=exchange.user_id,
            route=exchange.route,
            client=client[0] if client else None,
            **more,
        )
    )
