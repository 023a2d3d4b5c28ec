"""JSON in and out: one library, one pass, and an answer that names every bad field."""

import re
from collections.abc import Mapping
from typing import Any, TypeVar, get_args

import msgspec
from quart import Response, request
from quart.json.provider import JSONProvider

from service.http.problem import Problem

T = TypeVar("T", bound=msgspec.Struct)

JSON_TYPE = re.compile(r"application/([\w.+-]+\+)?json", re.IGNORECASE)
JSON_CONTENT = {"Content-Type": "application/json"}
NAME_SHOWN = 100


class MsgspecProvider(JSONProvider):
    """Quart's own `jsonify`, `get_json` and dict answers, by the same library."""

    def dumps(self, obj: Any, **_options: Any) -> str:
        """The object as JSON."""
        return msgspec.json.encode(obj).decode()

    def loads(self, s: str | bytes, **_options: Any) -> Any:
        """The JSON as an object. Raises `ValueError`."""
        return msgspec.json.decode(s)


def json_response(
    value: Any, status: int = 200, headers: Mapping[str, str] | None = None
) -> Response:
    """The value, a struct or anything made of plain types, as the answer."""
    return Response(msgspec.json.encode(value), status, {**JSON_CONTENT, **(headers or {})})


async def read_json(schema: type[T]) -> T:
    """The request's body as `schema`. Raises `Problem` 400, 413, 415 or 422."""
    if not JSON_TYPE.fullmatch(request.mimetype):
        raise Problem(415, "Send the body as JSON, with Content-Type: application/json.")
    body = await request.get_data(cache=True, as_text=False, parse_form_data=False)
    try:
        return msgspec.json.decode(body, type=schema)
    except (ValueError, RecursionError):
        raise _problem_with(body, schema) from None


def _problem_with(body: bytes, schema: type[msgspec.Struct]) -> Problem:
    try:
        value = msgspec.json.decode(body)
    except msgspec.DecodeError as error:
        return Problem(400, f"The body is not valid JSON: {error}.")
    except (UnicodeDecodeError, RecursionError):
        return Problem(400, "The body is not valid JSON: it is not UTF-8, or nested too deep.")
    if not isinstance(value, dict):
        return Problem(422, "The body must be a JSON object.")
    return Problem(422, "Some fields are not valid.", errors=_errors(value, schema))


def _errors(value: dict[str, Any], schema: type[msgspec.Struct]) -> list[dict[str, str]]:
    fields = {field.encode_name: field for field in msgspec.structs.fields(schema)}
    found = {name[:NAME_SHOWN]: "is not a known field" for name in value if name not in fields}
    for name, field in fields.items():
        if name not in value:
            if field.required:
                found[name] = "is required"
            continue
        try:
            msgspec.convert(value[name], field.type)
        except msgspec.ValidationError as error:
            found[name] = _explanation(value[name], field.type) or str(error)
    return [{"field": name, "message": message} for name, message in found.items()]


def _explanation(value: Any, field_type: Any) -> str | None:
    """The schema's own words for a value of the right type, where a pattern says nothing."""
    if not isinstance(value, str):
        return None
    for candidate in (field_type, *get_args(field_type)):
        for meta in getattr(candidate, "__metadata__", ()):
            if isinstance(meta, msgspec.Meta) and meta.extra:
                return str(meta.extra["message"])
    return None
