"""The errors a route may answer with, and which of them follow from what it promises."""

from dataclasses import dataclass
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, UnsetType

from service.config import Config
from service.docs.catalogue import Route


class FieldProblem(msgspec.Struct):
    """One value that is not accepted."""

    field: Annotated[str, Meta(examples=["email"])]
    message: Annotated[str, Meta(examples=["must be an e-mail address, like ada@example.com"])]


class Problem(msgspec.Struct):
    """Every error is one of these (RFC 9457), as `application/problem+json`. `detail` is for
    people and may change; `request_id` is what to quote; `errors` names the values to blame."""

    type: Annotated[str, Meta(examples=["about:blank"])]
    title: Annotated[str, Meta(examples=["Unprocessable Content"])]
    status: Annotated[int, Meta(ge=400, le=599, examples=[422])]
    detail: Annotated[str, Meta(examples=["Some fields are not valid."])]
    instance: Annotated[str, Meta(examples=["/api/v1/users"])]
    request_id: Annotated[str, Meta(examples=["0b8f9c52d4e34e0c9a4f6a1f9e1c7d20"])]
    errors: list[FieldProblem] | UnsetType = UNSET


@dataclass(frozen=True, slots=True)
class Kind:
    """What a status means here. `name`: what the document calls it; HTTP's own names differ
    between Python's versions. `headers`: what comes with it."""

    name: str
    text: str
    headers: tuple[str, ...] = ()


KINDS = {
    400: Kind("BadRequest", "The body is not JSON, or a header is malformed."),
    401: Kind(
        "Unauthorized",
        "There is no credential, or it is not accepted: wrong, expired, revoked, or of another "
        "kind than is needed.",
        ("WWW-Authenticate",),
    ),
    403: Kind("Forbidden", "The caller is known, and may not do this."),
    404: Kind("NotFound", "There is no such resource."),
    408: Kind("RequestTimeout", "The body took too long to arrive."),
    409: Kind(
        "Conflict",
        "Something else stands against it: another resource has the same name, or a request with "
        "the same `Idempotency-Key` is being worked on.",
    ),
    412: Kind("PreconditionFailed", "`If-Match` names another version than the current one."),
    413: Kind("ContentTooLarge", "The body is larger than {settings.MAX_CONTENT_LENGTH:,} bytes."),
    415: Kind("UnsupportedMediaType", "The body's `Content-Type` is not JSON."),
    422: Kind("UnprocessableContent", "Values are not accepted; `errors` names each of them."),
    429: Kind("TooManyRequests", "The rate limit is used up for now.", ("Retry-After",)),
    500: Kind("InternalServerError", "The service met what it does not expect."),
    503: Kind("ServiceUnavailable", "The service cannot answer just now.", ("Retry-After",)),
}

# Of reading a body.
BODY = frozenset({400, 408, 413, 415, 422})


def problems_of(route: Route, settings: Config) -> list[int]:
    """The statuses of the errors to expect, in order."""
    operation = route.operation
    found = {500, *operation.problems}
    if operation.credential != "none":
        found |= {401, 503}
    if operation.accepts is not None:
        found |= BODY | {503}
    if operation.query:
        found.add(422)
    if route.variables:
        found.add(404)
    if operation.idempotent:
        found |= {400, 409, 422}
    if operation.conditional and not route.is_read:
        found.add(412)
    if limit_of(route, settings):
        found.add(429)
    return sorted(found - operation.returns.keys())


def limit_of(route: Route, settings: Config) -> str:
    """The rate limit, like `10 per minute`; empty without one."""
    if route.operation.exempt:
        return ""
    limit: str = getattr(settings, route.operation.limit or "RATELIMIT_DEFAULT")
    return limit
