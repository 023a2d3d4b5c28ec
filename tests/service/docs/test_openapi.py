"""`/openapi.json`: valid, complete, and as the configuration has it."""

import re
from collections.abc import Iterator
from typing import Any

import httpx
import jsonschema_rs
import pytest
from schemathesis.specs.openapi.definitions import OPENAPI_31

from tests.service.docs.conformity import resolved
from tests.service.shared import Start
from tests.service.support import Service, quart

Json = dict[str, Any]

# The document itself, and the page made of it.
NOT_DESCRIBED = {"docs.document", "docs.page", "docs.asset"}


def nodes(value: Any) -> Iterator[Json]:
    """Every object within."""
    if isinstance(value, dict):
        yield value
    for each in value.values() if isinstance(value, dict) else value:
        if isinstance(each, dict | list):
            yield from nodes(each)


def operations(document: Json) -> dict[str, Json]:
    """Each operation by its id."""
    found = [each for item in document["paths"].values() for each in item.values()]
    assert len({each["operationId"] for each in found}) == len(found)
    return {each["operationId"]: each for each in found}


def test_every_route_is_described_or_exempt(service: Service, document: Json) -> None:
    listed = quart(service, "routes")
    assert listed.returncode == 0, listed.stderr
    rows = [re.split(r"  +", line.strip()) for line in listed.stdout.splitlines()]
    endpoints = {row[0] for row in rows if len(row) == 3 and "." in row[0]}
    assert endpoints >= NOT_DESCRIBED
    described = {name.replace("_", ".", 1) for name in operations(document)}
    assert described == endpoints - NOT_DESCRIBED


def test_document_fits_the_official_schema(document: Json) -> None:
    errors = jsonschema_rs.Draft202012Validator(OPENAPI_31).iter_errors(document)
    assert [error.message for error in errors] == []


def test_every_schema_is_one_that_any_language_reads(document: Json) -> None:
    is_pattern = jsonschema_rs.Draft202012Validator({"format": "regex"}, validate_formats=True)
    schemas = [*document["components"]["schemas"].values()]
    schemas += [each["schema"] for each in nodes(document) if "schema" in each]
    for schema in schemas:
        jsonschema_rs.meta.validate({key: each for key, each in schema.items() if key != "$ref"})
    patterns = {each["pattern"] for each in nodes(document) if isinstance(each.get("pattern"), str)}
    assert len(patterns) >= 4
    for pattern in patterns:
        assert is_pattern.is_valid(pattern), pattern


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document: Json) -> None:
    references = {each["$ref"] for each in nodes(document) if "$ref" in each}
    for reference in references:
        assert resolved({"$ref": reference}, document)
    components = document["components"]
    for kind in ("schemas", "parameters", "headers", "responses"):
        assert {f"#/components/{kind}/{name}" for name in components[kind]} <= references


def test_every_operation_is_worded_and_headed(document: Json) -> None:
    tags = {tag["name"] for tag in document["tags"] if tag["description"]}
    for operation in operations(document).values():
        assert operation["summary"]
        assert not operation["summary"].endswith(".")
        assert set(operation["tags"]) <= tags


def test_examples_are_valid(document: Json) -> None:
    bodies = [
        each["requestBody"] for each in operations(document).values() if "requestBody" in each
    ]
    assert len(bodies) == 5
    for body in bodies:
        content = body["content"]["application/json"]
        schema = content["schema"] | {"components": document["components"]}
        errors = jsonschema_rs.Draft202012Validator(schema, validate_formats=True).iter_errors(
            content["example"]
        )
        assert [error.message for error in errors] == []


def test_pattern_means_what_the_service_means(client: httpx.Client, document: Json) -> None:
    schema = document["components"]["schemas"]["Registration"]["properties"]["email"]
    said = jsonschema_rs.Draft202012Validator(schema)
    for email in ("a@b", "a@b.c\n", "a b@c.de", "@b.cd", "a" * 65 + "@b.cd", "a@-b.cd", "é@b.cd"):
        assert not said.is_valid(email)
        body = {"email": email, "password": "correct horse battery"}
        assert client.post("/api/v1/auth/register", json=body).status_code == 422
    assert said.is_valid("a.b+c@d-e.fg")


def test_an_empty_change_is_no_change(document: Json) -> None:
    schema = {"$ref": "#/components/schemas/UserChanges", "components": document["components"]}
    said = jsonschema_rs.Draft202012Validator(schema)
    assert said.is_valid({"name": "Ada"})
    assert not said.is_valid({})
    assert not said.is_valid({"nickname": "Ada"})


def test_document_is_fetched_once(client: httpx.Client) -> None:
    first = client.get("/openapi.json")
    assert first.headers["content-type"] == "application/json"
    assert first.headers["cache-control"] == "no-cache"
    headers = {"If-None-Match": first.headers["etag"]}
    again = client.get("/openapi.json", headers=headers)
    assert (again.status_code, again.content) == (304, b"")
    assert again.headers["etag"] == first.headers["etag"]
    assert client.head("/openapi.json").headers["etag"] == first.headers["etag"]


def test_credentials_are_those_that_are_configured(start_shared: Start) -> None:
    service = start_shared(
        JWT_TOKEN_LOCATION="cookies,headers",
        JWT_ACCESS_COOKIE_NAME="entry",
        JWT_HEADER_NAME="X-Token",
        JWT_HEADER_TYPE="JWT",
        PUBLIC_URL="https://api.example.com",
        RATELIMIT_LOGIN="3 per hour",
    )
    document = httpx.get(f"{service.url}/openapi.json").json()
    schemes = document["components"]["securitySchemes"]
    assert schemes["access_cookie"] | {"description": ""} == {
        "type": "apiKey",
        "in": "cookie",
        "name": "entry",
        "description": "",
    }
    assert (schemes["access_token"]["name"], schemes["access_token"]["x-prefix"]) == (
        "X-Token",
        "JWT",
    )
    found = operations(document)
    # A change needs the CSRF token beside the cookie, reading does not.
    assert found["users_create_user"]["security"] == [
        {"access_cookie": [], "access_csrf": []},
        {"access_token": []},
    ]
    assert {"access_cookie": []} in found["users_list_users"]["security"]
    assert found["auth_register"]["security"] == []
    assert found["auth_login"]["x-rate-limit"] == "3 per hour"
    assert document["servers"][-1]["url"] == "https://api.example.com"


@pytest.mark.parametrize(
    ("operation", "accepted"),
    [
        ("auth_login", []),
        ("auth_refresh", ["refresh_token"]),
        ("auth_logout", ["access_token", "refresh_token", "session"]),
        ("auth_me", ["access_token", "session"]),
        ("users_delete_user", ["access_token"]),
        ("health_health", []),
    ],
)
def test_credentials_of_an_operation(document: Json, operation: str, accepted: list[str]) -> None:
    security = operations(document)[operation]["security"]
    assert [name for alternative in security for name in alternative] == accepted
