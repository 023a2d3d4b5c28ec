"""What a route answers: its successes, and the problems to expect."""

from inspect import getdoc
from typing import Any

from service.config import Config
from service.docs.catalogue import Route
from service.docs.headers import RATE_LIMIT, references
from service.docs.problems import KINDS, Problem, limit_of, problems_of
from service.docs.schemas import JSON, Schemas
from service.http.problem import PROBLEM_JSON

REFERENCE = "#/components/responses/{name}"


def shared_responses(settings: Config, schemas: Schemas) -> JSON:
    """The problems, by the names the document gives them."""
    limits = RATE_LIMIT if settings.RATELIMIT_HEADERS_ENABLED else ()
    return {
        kind.name: {
            "description": kind.text.format(settings=settings),
            "headers": references([*kind.headers, *limits, "X-Request-ID"]),
            "content": {PROBLEM_JSON: {"schema": schemas.of(Problem)}},
        }
        for kind in KINDS.values()
    }


def responses_of(route: Route, settings: Config, schemas: Schemas) -> JSON:
    """Every answer of the route, by status."""
    found = {
        status: _answer(route, status, type_, settings, schemas)
        for status, type_ in route.operation.returns.items()
    }
    if route.operation.conditional and route.is_read:
        found[304] = {
            "description": "The version the client has is the current one.",
            "headers": references(_headers(route, 304, None, settings)),
        }
    for status in problems_of(route, settings):
        found[status] = {"$ref": REFERENCE.format(name=KINDS[status].name)}
    return {str(status): found[status] for status in sorted(found)}


def _answer(route: Route, status: int, type_: Any, settings: Config, schemas: Schemas) -> JSON:
    headers = references(_headers(route, status, type_, settings))
    if type_ is None:
        return {"description": "Done.", "headers": headers}
    if type_ is str:
        return {
            "description": "Text.",
            "headers": headers,
            "content": {"text/plain": {"schema": {"type": "string"}}},
        }
    return {
        "description": " ".join((getdoc(type_) or "JSON.").split()),
        "headers": headers,
        "content": {"application/json": {"schema": schemas.of(type_)}},
    }


def _headers(route: Route, status: int, type_: Any, settings: Config) -> list[str]:
    operation = route.operation
    candidates = {
        "Location": status == 201,
        "ETag": operation.conditional and status in {200, 304},
        "Link": any(parameter.name == "cursor" for parameter in operation.query),
        "Cache-Control": "access_token" in getattr(type_, "__struct_fields__", ()),
        "Idempotent-Replayed": operation.idempotent,
    }
    limited = limit_of(route, settings) and settings.RATELIMIT_HEADERS_ENABLED
    found = [name for name, applies in candidates.items() if applies]
    return [*found, *(RATE_LIMIT if limited else ()), "X-Request-ID"]
