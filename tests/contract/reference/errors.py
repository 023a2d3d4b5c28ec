"""Every error is `application/problem+json`."""

from collections.abc import Sequence
from http import HTTPStatus

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException

FieldErrors = Sequence[dict[str, str]]


class Problem(HTTPException):
    """Ends the request with this answer."""

    def __init__(self, status: int, detail: str, errors: FieldErrors = ()) -> None:
        super().__init__(detail)
        self.code = status
        self.errors = errors


def problem(status: int, detail: str, errors: FieldErrors = ()) -> Response:
    """The answer: RFC 9457's members, the id of the request, and the fields that are wrong."""
    body: dict[str, object] = {
        "type": "about:blank",
        "title": HTTPStatus(status).phrase,
        "status": status,
        "detail": detail,
        "instance": request.path,
        "request_id": g.request_id,
    }
    if errors:
        body["errors"] = list(errors)
    response = jsonify(body)
    response.status_code = status
    response.content_type = "application/problem+json"
    if status == HTTPStatus.UNAUTHORIZED:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def unauthorized(detail: str) -> Response:
    """The 401 of every refused credential."""
    return problem(HTTPStatus.UNAUTHORIZED, detail)


def init_app(app: Flask) -> None:
    """Answers every error of Flask, Werkzeug and the extensions in this one form."""

    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response | HTTPException:
        if error.code is None or error.code < HTTPStatus.BAD_REQUEST:
            return error  # a redirect is an answer, not an error
        answer = problem(error.code, error.description or "", getattr(error, "errors", ()))
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                answer.headers[name] = value
        return answer
