"""What a request carries beside its body."""

from collections.abc import Iterator
from typing import Any

from service.docs.catalogue import Route
from service.docs.schemas import JSON, Schemas
from service.http import idempotency
from service.http.pagination import LARGEST_ID

PATH_SCHEMAS: dict[str, JSON] = {
    "default": {"type": "string", "minLength": 1},
    "id": {"type": "integer", "format": "int64", "minimum": 1, "maximum": LARGEST_ID},
}
REFERENCE = "#/components/parameters/{name}"


def _header(name: str, description: str, schema: JSON) -> JSON:
    return {"name": name, "in": "header", "description": description, "schema": schema}


SHARED: dict[str, JSON] = {
    "RequestId": _header(
        "X-Request-ID",
        "What the client calls this request; it comes back in the answer and is in the log. Up to "
        "128 letters, digits and `._:+/=@-`; another one is replaced.",
        {"type": "string"},
    ),
    "IdempotencyKey": _header(
        idempotency.HEADER,
        "Any text that is new for each new request. When the request is sent again with the same "
        "key, nothing is done again, and the answer is that of the first time.",
        {"type": "string", "pattern": f"^({idempotency.SYNTAX.pattern})$"},
    ),
    "IfMatch": _header(
        "If-Match",
        "The `ETag` of the version that is meant to be changed. When it is no longer the current "
        "one, nothing is changed and the answer is 412.",
        {"type": "string"},
    ),
    "IfNoneMatch": _header(
        "If-None-Match",
        "The `ETag` of the version the client has. When it is still the current one, the answer is "
        "304, without a body.",
        {"type": "string"},
    ),
}


def parameters_of(route: Route, schemas: Schemas) -> list[JSON]:
    """The parameters in the path and the query, then the headers."""
    return [
        *_in_path(route),
        *_in_query(route, schemas),
        *({"$ref": REFERENCE.format(name=name)} for name in _headers(route)),
    ]


def _in_path(route: Route) -> Iterator[JSON]:
    for name, converter in route.variables.items():
        yield {"name": name, "in": "path", "required": True, "schema": PATH_SCHEMAS[converter]}


def _in_query(route: Route, schemas: Schemas) -> Iterator[JSON]:
    for each in route.operation.query:
        described: dict[str, Any] = {"name": each.name, "in": "query"}
        yield described | {"description": each.description, "schema": schemas.of(each.schema)}


def _headers(route: Route) -> Iterator[str]:
    if route.operation.idempotent:
        yield "IdempotencyKey"
    if route.operation.conditional:
        yield "IfNoneMatch" if route.is_read else "IfMatch"
    yield "RequestId"
