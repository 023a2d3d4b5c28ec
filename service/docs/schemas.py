"""msgspec's types as JSON Schema, for readers that do not know Python."""

from collections.abc import Iterable
from typing import Any

import msgspec

JSON = dict[str, Any]

REFERENCE = "#/components/schemas/{name}"


class Schemas:
    """The schemas of everything that is accepted and returned, made together, so that whatever is
    named in several of them is described once."""

    def __init__(self, *, accepted: Iterable[Any], returned: Iterable[Any]) -> None:
        self._made: dict[int, JSON] = {}
        requests = self._make(accepted)
        answers = {name: _as_answered(schema) for name, schema in self._make(returned).items()}
        changes = {name: _as_changes(schema) for name, schema in requests.items()}
        for name in changes.keys() & answers.keys():
            if changes[name] != answers[name]:
                raise TypeError(f"{name} is accepted and returned, and is not the same in both")
        self.components = dict(sorted({**changes, **answers}.items()))

    def of(self, type_: Any) -> JSON:
        """The schema of one of the types this was made from."""
        return self._made[id(type_)]

    def _make(self, types: Iterable[Any]) -> JSON:
        wanted = list(types)
        made, components = msgspec.json.schema_components(wanted, ref_template=REFERENCE)
        # By identity: an annotation with examples cannot be hashed.
        self._made.update(
            (id(type_), _portable(schema)) for type_, schema in zip(wanted, made, strict=True)
        )
        return {name: _portable(schema) for name, schema in components.items()}


def resolved(node: JSON, document: JSON) -> JSON:
    """The node, or what it refers to within the document."""
    while "$ref" in node:
        found = document
        for step in node["$ref"].removeprefix("#/").split("/"):
            found = found[step]
        node = found
    return node


def _portable(schema: Any) -> Any:
    """The schema with patterns as ECMA-262 writes them, and nothing that says nothing."""
    if isinstance(schema, list):
        return [_portable(each) for each in schema]
    if not isinstance(schema, dict):
        return schema
    portable = {key: _portable(value) for key, value in schema.items()}
    if isinstance(portable.get("pattern"), str):
        portable["pattern"] = portable["pattern"].replace(r"\A", "^").replace(r"\Z", "$")
    if portable.get("required") == []:
        del portable["required"]
    return portable


def _as_answered(schema: JSON) -> JSON:
    """A default is how the service fills the field in: whoever reads the answer always gets it."""
    properties = schema.get("properties", {})
    always = {name for name, each in properties.items() if "default" in each}
    if not always:
        return schema
    required = always.union(schema.get("required", ()))
    return schema | {
        "properties": {name: _without_default(each) for name, each in properties.items()},
        "required": [name for name in properties if name in required],
    }


def _without_default(schema: JSON) -> JSON:
    return {key: value for key, value in schema.items() if key != "default"}


def _as_changes(schema: JSON) -> JSON:
    """Where each field may be left out and none is filled in, one of them has to be there: a
    request to change nothing is refused."""
    properties = schema.get("properties", {})
    if "required" in schema or any("default" in each for each in properties.values()):
        return schema
    return schema | {"minProperties": 1}
