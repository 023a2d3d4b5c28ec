"""Every error is `application/problem+json` (RFC 9457), with the id of the request."""

from collections.abc import Mapping
from typing import Any

import structlog
from quart import Quart, Response, current_app, request
from werkzeug.exceptions import HTTPException

from service.database.engine import DatabaseUnavailable
from service.http.exchange import current_exchange
from service.http.problem import PROBLEM_JSON, RETRY_AFTER, Problem, problem_body
from service.observability.errors import Request, report
from service.observability.logging import exception_fields

log = structlog.get_logger()


def register(app: Quart) -> None:
    """Answers every exception a request can end in."""
    app.register_error_handler(Problem, _problem)
    app.register_error_handler(HTTPException, _http_exception)
    app.register_error_handler(DatabaseUnavailable, _database_unavailable)
    app.register_error_handler(Exception, _unexpected)


def problem_response(
    status: int, detail: str, headers: Mapping[str, str] | None = None, **members: Any
) -> Response:
    """The answer to this request: `problem_body`, with these headers."""
    body = problem_body(
        status,
        detail,
        request_id=current_exchange.get().request_id,
        instance=request.path,
        **members,
    )
    return Response(body, status, {**(headers or {}), "Content-Type": PROBLEM_JSON})


async def _problem(error: Problem) -> Response:
    return problem_response(error.status, error.detail, error.headers, errors=error.errors)


async def _http_exception(error: HTTPException) -> Any:
    if error.code is None or error.code < 400:  # a redirect is an answer, not an error
        return error.get_response()
    kept = {
        name: value
        for name, value in error.get_headers()
        if name.lower() not in {"content-type", "content-length"}
    }
    return problem_response(error.code, error.description or "", kept)


async def _database_unavailable(error: DatabaseUnavailable) -> Response:
    if not error.outage:  # which is told when it begins and ends, not by each request
        log.warning("database unavailable", reason=error.reason)
    detail = f"The database cannot answer now ({error.reason}); try again shortly."
    return problem_response(503, detail, {"Retry-After": RETRY_AFTER})


async def _unexpected(error: Exception) -> Response:
    log.error("unhandled exception", exc_info=error)
    exchange = current_exchange.get()
    report(
        error,
        Request(
            id=exchange.request_id,
            method=request.method,
            path=request.path,
            route=exchange.route,
            user_id=exchange.user_id,
        ),
    )
    detail = "The server met an unexpected condition; quote the request id when reporting it."
    traceback = exception_fields(error) if current_app.debug else None
    return problem_response(500, detail, exception=traceback)
