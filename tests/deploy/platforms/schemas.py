"""What the platforms' own packages know of their files: Google's API descriptions, and the types
that Azure's tools are made of."""

import enum
import json
import os
import re
import types
import typing
from functools import cache
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

EXPRESSION = re.compile(r"\[.+\]", re.DOTALL)


def package(name: str) -> Path:
    """The folder of an installed package. Without it the test is skipped; where
    `DEPLOY_TOOLS=required`, it fails."""
    try:
        found = find_spec(name)
    except ModuleNotFoundError:
        found = None
    if found is not None and found.submodule_search_locations:
        return Path(next(iter(found.submodule_search_locations)))
    message = f"the package of {name} is not installed"
    if os.environ.get("DEPLOY_TOOLS") == "required":
        pytest.fail(message)
    pytest.skip(message)


@cache
def google(api: str) -> dict[str, Any]:
    """The schemas of an API, such as `run.v1`."""
    folder = package("googleapiclient") / "discovery_cache" / "documents"
    schemas: dict[str, Any] = json.loads((folder / f"{api}.json").read_text())["schemas"]
    return schemas


def google_flaws(value: Any, schema: dict[str, Any], api: str, path: str = "") -> list[str]:
    """Where the value is not of the schema: names that do not exist, and wrong types."""
    if "$ref" in schema:
        return google_flaws(value, google(api)[schema["$ref"]], api, path)
    kind = schema.get("type", "any")
    if kind not in {"any", _kind(value)} and not (kind == "number" and _kind(value) == "integer"):
        return [f"{path}: {kind} expected"]
    if "enum" in schema and value not in schema["enum"]:
        return [f"{path}: one of {schema['enum']} expected"]
    if isinstance(value, list):
        found = [google_flaws(each, schema["items"], api, path) for each in value]
        return [flaw for flaws in found for flaw in flaws]
    if not isinstance(value, dict):
        return []
    flaws = []
    for name, inner in value.items():
        known = schema.get("properties", {}).get(name) or schema.get("additionalProperties")
        flaws += google_flaws(inner, known, api, f"{path}.{name}") if known else [f"{path}.{name}"]
    return flaws


def _kind(value: Any) -> str:
    if isinstance(value, bool):
        return "boolean"
    kinds = {str: "string", int: "integer", float: "number", list: "array", dict: "object"}
    return kinds[type(value)]


def google_annotations() -> dict[str, set[str]]:
    """The annotations that Cloud Run takes, and on which objects."""
    text = google("run.v1")["ObjectMeta"]["properties"]["annotations"]["description"]
    rows = re.findall(r"\* `([\w./-]+)`: ([\w, ]+?)[,.]? ?(?=\*|$)", text)
    return {name: {each.strip() for each in kinds.split(",")} for name, kinds in rows}


def azure_flaws(value: Any, hint: Any, path: str = "") -> list[str]:
    """Where the value is not of the type: names that do not exist or are missing, wrong types, and
    values that an enumeration does not have. An expression may stand for any scalar."""
    if hint is Any or (isinstance(value, str) and EXPRESSION.fullmatch(value)):
        return []
    if isinstance(hint, str):
        hint = _azure_names()[hint]
    if hasattr(hint, "__required_keys__"):  # a TypedDict, whoever made it
        return _azure_object(value, hint, path)
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in {typing.Union, types.UnionType}:
        return _azure_union(value, arguments, path)
    if origin is typing.Literal:
        return [] if value in [getattr(each, "value", each) for each in arguments] else [path]
    wanted = origin or ((int, float) if hint is float else hint)
    if not isinstance(value, wanted) or (isinstance(value, bool) and hint is not bool):
        return [f"{path}: {hint} expected"]
    inner = value.items() if origin is dict else enumerate(value) if origin is list else ()
    found = [azure_flaws(each, arguments[-1], f"{path}.{name}") for name, each in inner]
    return [flaw for flaws in found for flaw in flaws]


def _azure_union(value: Any, arguments: tuple[Any, ...], path: str) -> list[str]:
    resolved = [_azure_names()[each] if isinstance(each, str) else each for each in arguments]
    for each in resolved:
        if isinstance(each, type) and issubclass(each, enum.Enum):
            known = [member.value for member in each]
            return [] if value in known else [f"{path}: one of {known} expected"]
    flaws = [azure_flaws(value, each, path) for each in resolved if each is not type(None)]
    return min(flaws, key=len)


def _azure_object(value: Any, hint: Any, path: str) -> list[str]:
    if not isinstance(value, dict):
        return [f"{path}: an object expected"]
    known = typing.get_type_hints(hint, localns=_azure_names(), include_extras=True)
    flaws = []
    for name, inner in known.items():
        if typing.get_origin(inner) is typing.Required:
            known[name] = typing.get_args(inner)[0]
            flaws += [] if name in value else [f"{path}.{name}: missing"]
    for name, inner in value.items():
        inside = f"{path}.{name}"
        flaws += azure_flaws(inner, known[name], inside) if name in known else [inside]
    return flaws


@cache
def _azure_names() -> dict[str, Any]:
    package("azure.mgmt.appcontainers")
    module = import_module("azure.mgmt.appcontainers")
    models, shapes = (
        import_module(f"{module.__name__}.models"),
        import_module(f"{module.__name__}.types"),
    )
    return {**vars(models), **vars(shapes)}


def azure_type(name: str) -> Any:
    """A type of a resource, such as `ContainerApp`."""
    return _azure_names()[name]
