"""`/openapi.json` for programs, `/docs` for people: the same, and nothing from anywhere else."""

from quart import Blueprint, Response, abort, request

from service.docs.publication import File, publication_of
from service.http.application import application

blueprint = Blueprint("docs", __name__)

REVALIDATE = "no-cache"
A_YEAR = "public, max-age=31536000, immutable"
# No script, style or picture but the page's own, and no request to anybody but this service.
CONTENT_SECURITY_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'self'"
)


@blueprint.get("/openapi.json")
async def document() -> Response:
    """The OpenAPI document."""
    return _answer(publication_of(application()).document, REVALIDATE)


@blueprint.get("/docs")
async def page() -> Response:
    """The page."""
    response = _answer(publication_of(application()).page, REVALIDATE)
    response.headers["Content-Security-Policy"] = CONTENT_SECURITY_POLICY
    return response


@blueprint.get("/docs/<name>")
async def asset(name: str) -> Response:
    """What the page needs. It asks for `?v=<version>`, and gets that version or, while another
    release answers beside this one, what is no cache's to keep."""
    file = publication_of(application()).assets.get(name)
    if file is None:
        abort(404)
    return _answer(file, A_YEAR if request.args.get("v") == file.version else REVALIDATE)


def _answer(file: File, cache_control: str) -> Response:
    if request.if_none_match.contains_weak(file.version):
        response = Response(status=304)
        del response.headers["Content-Type"], response.headers["Content-Length"]
    else:
        response = Response(file.content, content_type=file.content_type)
    response.headers["Cache-Control"] = cache_control
    response.set_etag(file.version)
    return response
