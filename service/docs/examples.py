"""A value for a schema, to begin with."""

from collections.abc import Callable, Mapping
from typing import Any

from service.docs.schemas import JSON, resolved

BY_FORMAT = {
    "date-time": "2026-01-15T10:30:00.123456Z",
    "email": "ada@example.com",
    "password": "correct horse battery",
}


def example_of(schema: JSON, document: JSON) -> Any:
    """What the schema itself gives as an example, or the plainest value it accepts."""
    schema = resolved(schema, document)
    if "examples" in schema:
        return schema["examples"][0]
    for key in ("const", "default"):
        if key in schema:
            return schema[key]
    if "enum" in schema:
        return schema["enum"][0]
    if "anyOf" in schema:
        return example_of(schema["anyOf"][0], document)
    return _BY_TYPE[schema["type"]](schema, document)


def _object(schema: JSON, document: JSON) -> JSON:
    if "properties" in schema:
        return {name: example_of(each, document) for name, each in schema["properties"].items()}
    return {"name": example_of(schema["additionalProperties"], document)}


def _string(schema: JSON, _document: JSON) -> str:
    return BY_FORMAT.get(schema.get("format", ""), "text").ljust(schema.get("minLength", 0), "-")


def _array(schema: JSON, document: JSON) -> list[Any]:
    return [example_of(schema["items"], document)]


def _number(schema: JSON, _document: JSON) -> Any:
    return schema.get("minimum", 1)


_BY_TYPE: Mapping[str, Callable[[JSON, JSON], Any]] = {
    "object": _object,
    "array": _array,
    "string": _string,
    "integer": _number,
    "number": _number,
    "boolean": lambda _schema, _document: True,
    "null": lambda _schema, _document: None,
}
