"""The OpenAPI document: what `@operation` says of each route, in everybody's terms."""

from importlib.metadata import PackageNotFoundError, version

from service.config import Config
from service.docs.catalogue import Route, routes_of
from service.docs.examples import example_of
from service.docs.headers import HEADERS
from service.docs.parameters import SHARED, parameters_of
from service.docs.problems import Problem, limit_of
from service.docs.responses import responses_of, shared_responses
from service.docs.schemas import JSON, Schemas
from service.docs.security import requirements_of, schemes_of
from service.http.application import Application

OPENAPI = "3.1.1"
DISTRIBUTION = "quartermaster"

ABOUT = """\
JSON in, JSON out. Times are UTC, as RFC 3339 writes them.

Every request may carry an `X-Request-ID`: up to 128 letters, digits and `._:+/=@-`. Every answer \
carries it, or a new one; it is what the request is called in the log.

Every route that answers GET answers HEAD, and every route answers OPTIONS."""


def document_of(app: Application) -> JSON:
    """The document that describes every route with an `@operation`."""
    routes = list(routes_of(app))
    operations = [route.operation for route in routes]
    schemas = Schemas(
        accepted=[
            *(each.accepts for each in operations if each.accepts is not None),
            *(parameter.schema for each in operations for parameter in each.query),
        ],
        returned=[
            *(type_ for each in operations for type_ in each.returns.values() if type_ is not None),
            Problem,
        ],
    )
    settings = app.settings
    document: JSON = {
        "openapi": OPENAPI,
        "info": {"title": DISTRIBUTION, "version": _version(), "description": ABOUT},
        "servers": _servers(settings),
        "tags": [{"name": name, "description": text} for name, text in _tags(routes).items()],
        "paths": {},
        "components": {
            "schemas": schemas.components,
            "parameters": SHARED,
            "headers": HEADERS,
            "responses": shared_responses(settings, schemas),
            "securitySchemes": schemes_of(settings, app.config["SESSION_COOKIE_NAME"]),
        },
    }
    for route in routes:
        item = document["paths"].setdefault(route.path, {})
        item[route.method.lower()] = _operation(route, settings, schemas, document)
    return document


def _operation(route: Route, settings: Config, schemas: Schemas, document: JSON) -> JSON:
    described: JSON = {
        "operationId": route.endpoint.replace(".", "_"),
        "tags": [route.resource],
        "summary": route.summary,
    }
    if route.description:
        described["description"] = route.description
    described["security"] = requirements_of(route, settings)
    described["parameters"] = parameters_of(route, schemas)
    if route.operation.accepts is not None:
        schema = schemas.of(route.operation.accepts)
        described["requestBody"] = {
            "required": True,
            "content": {
                "application/json": {"schema": schema, "example": example_of(schema, document)}
            },
        }
    described["responses"] = responses_of(route, settings, schemas)
    if limit := limit_of(route, settings):
        described["x-rate-limit"] = limit
    return described


def _servers(settings: Config) -> list[JSON]:
    servers = [{"url": "/", "description": "Where this document was read."}]
    if settings.PUBLIC_URL:
        servers.append({"url": settings.PUBLIC_URL, "description": "Where clients reach it."})
    return servers


def _tags(routes: list[Route]) -> dict[str, str]:
    return {route.resource: route.about for route in routes}


def _version() -> str:
    try:
        return version(DISTRIBUTION)
    except PackageNotFoundError:  # run from a checkout that nothing was installed from
        return "unknown"
