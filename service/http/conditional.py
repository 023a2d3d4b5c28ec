"""ETags: an answer that need not be sent again, a change that must not overwrite another's."""

import hashlib
from typing import Any

import msgspec
from quart import Response, request

from service.http.body import json_response
from service.http.problem import Problem


def tag_of(value: Any) -> str:
    """The entity tag of what is shown of a resource: the same text, the same tag, whoever wrote
    the row."""
    return hashlib.blake2b(msgspec.json.encode(value), digest_size=12).hexdigest()


def tagged_response(value: Any) -> Response:
    """The resource with its ETag; 304 without a body where `If-None-Match` says it is known."""
    tag = tag_of(value)
    if request.method in {"GET", "HEAD"} and request.if_none_match.contains_weak(tag):
        response = Response(status=304)
        del response.headers["Content-Type"], response.headers["Content-Length"]
    else:
        response = json_response(value)
    response.headers["ETag"] = f'"{tag}"'
    return response


def expects_a_version() -> bool:
    """Whether the request is meant for one version of the resource only."""
    return "If-Match" in request.headers


def require_version(value: Any) -> None:
    """Raises `Problem` 412 unless `If-Match` names what the resource is now."""
    if not request.if_match.contains(tag_of(value)):
        raise Problem(412, "The resource has changed: fetch it again, then repeat the change.")
