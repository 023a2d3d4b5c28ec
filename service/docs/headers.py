"""The headers of answers."""

from service.docs.schemas import JSON

REFERENCE = "#/components/headers/{name}"

# In this order: on every answer of a route that has a limit.
RATE_LIMIT = ("X-RateLimit-Limit", "X-RateLimit-Remaining", "X-RateLimit-Reset")

TEXT: JSON = {"type": "string"}
COUNT: JSON = {"type": "integer", "minimum": 0}


def _header(description: str, schema: JSON, *, always: bool = True) -> JSON:
    return {"description": description, "required": always, "schema": schema}


HEADERS: dict[str, JSON] = {
    "X-Request-ID": _header("What the request is called in the log.", TEXT),
    "Location": _header("Where the new resource is.", TEXT | {"format": "uri-reference"}),
    "ETag": _header(
        "The version of the resource, for `If-Match` and `If-None-Match`.",
        TEXT | {"pattern": '^"[!#-~]+"$'},
    ),
    "Link": _header("The next page, as `rel=next`, where there is one.", TEXT, always=False),
    "Cache-Control": _header("No cache may keep the tokens.", TEXT | {"const": "no-store"}),
    "Idempotent-Replayed": _header(
        "Where the request had been answered before, and nothing was done again.",
        TEXT | {"const": "true"},
        always=False,
    ),
    "Retry-After": _header(
        "When to try again, in seconds.", {"type": "integer", "minimum": 1}, always=False
    ),
    "WWW-Authenticate": _header("Which kind of credential is needed.", TEXT),
    "X-RateLimit-Limit": _header("How many requests a window holds.", COUNT, always=False),
    "X-RateLimit-Remaining": _header("How many of them are left.", COUNT, always=False),
    "X-RateLimit-Reset": _header(
        "When the window ends, in seconds since the epoch.", COUNT, always=False
    ),
}


def references(names: list[str]) -> JSON:
    """The headers of one answer, each described in the components."""
    return {name: {"$ref": REFERENCE.format(name=name)} for name in names}
