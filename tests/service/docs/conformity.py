"""Answers beside what the document says of them."""

from collections.abc import Iterator
from typing import Any
from urllib.parse import quote

import httpx
import jsonschema_rs

Json = dict[str, Any]

# HTTP's own, and what every answer of this service carries, whatever was asked.
UNMENTIONED = {
    "connection",
    "content-length",
    "content-security-policy",
    "content-type",
    "cross-origin-opener-policy",
    "cross-origin-resource-policy",
    "date",
    "permissions-policy",
    "referrer-policy",
    "set-cookie",
    "vary",
    "x-content-type-options",
    "x-frame-options",
    "x-xss-protection",
}


def resolved(node: Json, document: Json) -> Json:
    """The node, or what it refers to."""
    while "$ref" in node:
        found = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


class Api:
    """A service that is asked by the ids of its operations. No answer comes back that is not as
    the document says. `seen`: which operations gave which statuses."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.document: Json = httpx.get(f"{url}/openapi.json").raise_for_status().json()
        self.operations = dict(self._operations())
        self.seen: set[tuple[str, int]] = set()
        schemas = self.document["components"]["schemas"]
        # Nothing may be sent that is not described, which the document itself leaves open.
        self._closed = {
            name: {"additionalProperties": False} | each for name, each in schemas.items()
        }

    def _operations(self) -> Iterator[tuple[str, Json]]:
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield operation["operationId"], {"method": method, "path": path, **operation}

    def promised(self) -> set[tuple[str, int]]:
        """Each operation with each of its statuses."""
        return {
            (name, int(status))
            for name, operation in self.operations.items()
            for status in operation["responses"]
        }

    def ask(
        self, name: str, *, token: str | None = None, path: Json | None = None, **more: Any
    ) -> httpx.Response:
        """The answer of one operation. `path`: the values of the path's variables."""
        operation = self.operations[name]
        target = operation["path"].format_map(
            {key: quote(str(value), safe="") for key, value in (path or {}).items()}
        )
        headers = httpx.Headers(more.pop("headers", {}))
        if token is not None:
            headers["Authorization"] = f"Bearer {token}"
        answer = httpx.request(
            operation["method"].upper(), self.url + target, headers=headers, timeout=20, **more
        )
        self._compare(operation, answer)
        self.seen.add((name, answer.status_code))
        return answer

    def _compare(self, operation: Json, answer: httpx.Response) -> None:
        said = f"{operation['operationId']} {answer.status_code}: {answer.text}"
        described = operation["responses"].get(str(answer.status_code))
        assert described, said
        response = resolved(described, self.document)
        self._compare_headers(response.get("headers", {}), answer, said)
        if "content" not in response:
            assert answer.content == b"", said
            return
        ((media_type, content),) = response["content"].items()
        assert answer.headers["content-type"].partition(";")[0] == media_type, said
        if media_type.endswith("json"):
            self._validate(content["schema"], answer.json(), said)

    def _compare_headers(self, described: Json, answer: httpx.Response, said: str) -> None:
        headers = {name.lower(): resolved(each, self.document) for name, each in described.items()}
        assert set(answer.headers) - UNMENTIONED <= set(headers), said
        for name, header in headers.items():
            if name not in answer.headers:
                assert not header["required"], (name, said)
                continue
            (value,) = answer.headers.get_list(name)
            is_number = header["schema"]["type"] == "integer"
            self._validate(header["schema"], int(value) if is_number else value, said)

    def _validate(self, schema: Json, value: Any, said: str) -> None:
        whole = {**schema, "components": {"schemas": self._closed}}
        errors = jsonschema_rs.Draft202012Validator(whole, validate_formats=True).iter_errors(value)
        assert [error.message for error in errors] == [], said
