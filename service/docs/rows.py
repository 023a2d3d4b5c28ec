"""Schemas as the rows of a table, for people."""

from collections.abc import Iterator
from dataclasses import dataclass

from service.docs.schemas import JSON, resolved
from service.http.pagination import LARGEST_ID


@dataclass(frozen=True, slots=True)
class Row:
    """One field, parameter or header. `within`: what stands before its name, for a field inside
    another. `place`: where it is sent. `rules`: what limits its values; `pattern` apart from
    them, because it is code."""

    name: str
    kind: str
    required: bool = False
    within: str = ""
    place: str = ""
    rules: tuple[str, ...] = ()
    choices: tuple[str, ...] = ()
    pattern: str = ""
    default: str | None = None
    text: str = ""


def rows_of(schema: JSON, document: JSON, within: str = "") -> Iterator[Row]:
    """A row for each field of an object, each followed by those inside it."""
    schema = resolved(schema, document)
    required = schema.get("required", ())
    for name, field in schema.get("properties", {}).items():
        yield row_of(name, field, document, required=name in required, within=within)
        yield from _inside(resolved(field, document), document, f"{within}{name}")


def _inside(schema: JSON, document: JSON, name: str) -> Iterator[Row]:
    if schema.get("type") == "array":
        yield from rows_of(schema["items"], document, f"{name}[].")
    elif isinstance(schema.get("additionalProperties"), dict):
        yield from rows_of(schema["additionalProperties"], document, f"{name}.*.")
    else:
        yield from rows_of(schema, document, f"{name}.")


def row_of(
    name: str,
    schema: JSON,
    document: JSON,
    *,
    required: bool = False,
    within: str = "",
    place: str = "",
    text: str = "",
) -> Row:
    """One row."""
    schema = resolved(schema, document)
    return Row(
        name=name,
        within=within,
        place=place,
        kind=_kind(schema, document),
        required=required,
        rules=tuple(_rules(schema)),
        choices=tuple(map(str, schema.get("enum", ()))) if len(schema.get("enum", ())) > 1 else (),
        pattern=schema.get("pattern", ""),
        default=str(schema["default"]) if schema.get("default") not in {None, ""} else None,
        text=text or schema.get("description", ""),
    )


def _kind(schema: JSON, document: JSON) -> str:
    schema = resolved(schema, document)
    if "anyOf" in schema:
        return " or ".join(_kind(each, document) for each in schema["anyOf"])
    if "const" in schema or len(schema.get("enum", ())) == 1:
        return f'always "{schema.get("const") or schema["enum"][0]}"'
    if schema.get("type") == "array":
        return f"list of {_plural(schema['items'], document)}"
    if isinstance(schema.get("additionalProperties"), dict):
        return f"{_plural(schema['additionalProperties'], document)} by name"
    kind: str = schema.get("type", "string")
    return f"{kind}, {schema['format']}" if "format" in schema else kind


def _plural(schema: JSON, document: JSON) -> str:
    return f"{_kind(schema, document)}s"


def _rules(schema: JSON) -> Iterator[str]:
    least, most = schema.get("minLength", 0), schema.get("maxLength")
    if least and most:
        yield f"{least} to {most} characters"
    elif most:
        yield f"at most {most} characters"
    elif least:
        yield f"at least {least} characters"
    low, high = schema.get("minimum"), schema.get("maximum")
    if high == LARGEST_ID:  # what int64 says already
        high = None
    if low is not None and high is not None:
        yield f"{low} to {high}"
    elif low is not None:
        yield f"at least {low}"
    elif high is not None:
        yield f"at most {high}"
