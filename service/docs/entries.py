"""The operations of the document as a person reads them, with nothing left to look up."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import msgspec

from service.docs.examples import example_of
from service.docs.rows import Row, row_of, rows_of
from service.docs.schemas import JSON, resolved
from service.http.problem import PROBLEM_JSON

# What every request may carry and every answer does: said once, not with each of them.
EVERYWHERE = (
    {"$ref": "#/components/parameters/RequestId"},
    {"$ref": "#/components/headers/X-Request-ID"},
)


@dataclass(frozen=True, slots=True)
class Content:
    """A body: its type, its fields, and one like it. `rule`: what holds for all of it."""

    media_type: str
    rows: list[Row]
    example: str
    rule: str = ""


@dataclass(frozen=True, slots=True)
class Answer:
    """One status, and what comes with it."""

    status: int
    text: str
    headers: list[Row]
    content: Content | None

    @property
    def is_problem(self) -> bool:
        """Whether it is one of the errors that all look alike."""
        return self.content is not None and self.content.media_type == PROBLEM_JSON


@dataclass(frozen=True, slots=True)
class Entry:
    """One operation. `credentials`: the schemes that are accepted, each by itself."""

    chapter: str
    id: str
    method: str
    path: str
    summary: str
    text: str
    credentials: list[str]
    limit: str
    parameters: list[Row]
    body: Content | None
    answers: list[Answer]


def entries_of(document: JSON) -> Iterator[Entry]:
    """An entry for each operation."""
    for path, item in document["paths"].items():
        for method, operation in item.items():
            yield _entry(method.upper(), path, operation, document)


def problem_of(document: JSON) -> Content:
    """What every error looks like."""
    response = next(iter(document["components"]["responses"].values()))
    return _content(response["content"], document)


def _entry(method: str, path: str, operation: JSON, document: JSON) -> Entry:
    body = operation.get("requestBody")
    return Entry(
        chapter=operation["tags"][0],
        id=operation["operationId"],
        method=method,
        path=path,
        summary=operation["summary"],
        text=operation.get("description", ""),
        credentials=[" and ".join(alternative) for alternative in operation["security"]],
        limit=operation.get("x-rate-limit", ""),
        parameters=[
            _parameter(each, document) for each in operation["parameters"] if each not in EVERYWHERE
        ],
        body=_content(body["content"], document) if body else None,
        answers=[
            _answer(int(status), response, document)
            for status, response in operation["responses"].items()
        ],
    )


def _parameter(parameter: JSON, document: JSON) -> Row:
    found = resolved(parameter, document)
    return row_of(
        found["name"],
        found["schema"],
        document,
        place=found["in"],
        required=found.get("required", False),
        text=found.get("description", ""),
    )


def _answer(status: int, response: JSON, document: JSON) -> Answer:
    found = resolved(response, document)
    return Answer(
        status=status,
        text=found["description"],
        headers=[
            _header(name, header, document)
            for name, header in found.get("headers", {}).items()
            if header not in EVERYWHERE
        ],
        content=_content(found["content"], document) if "content" in found else None,
    )


def _header(name: str, header: JSON, document: JSON) -> Row:
    found = resolved(header, document)
    return row_of(name, found["schema"], document, text=found["description"])


def _content(content: JSON, document: JSON) -> Content:
    ((media_type, media),) = content.items()
    schema = resolved(media["schema"], document)
    value = media.get("example", example_of(schema, document))
    return Content(
        media_type=media_type,
        rows=list(rows_of(schema, document)),
        example="" if isinstance(value, str) else _readable(value),
        rule="Name at least one of them." if "minProperties" in schema else "",
    )


def _readable(value: Any) -> str:
    return msgspec.json.format(msgspec.json.encode(value), indent=2).decode()
