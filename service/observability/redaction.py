"""Secrets never reach a log line: by the name they go under, and by what they look like."""

import re
from collections.abc import Mapping
from typing import Any

REDACTED = "[redacted]"
DEPTH = 8

SECRET_NAME = re.compile(
    r"passw(or)?d|passphrase|secret|token|authorization|cookie|api[-_]?key|private[-_]?key"
    r"|credential|(?:\b|_)dsn\b|otlp_headers|database_ur[il]",
    re.IGNORECASE,
)
SECRET_TEXT = re.compile(
    r"(?P<url>://[^:/@\s]*:)[^@\s]+(?=@)"
    r"|(?P<scheme>\b(?:Bearer|Basic)\s+)[A-Za-z0-9._~+/=-]+"
    r"|\beyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*"
    r"|\b(?:scrypt|pbkdf2):[\w:]+\$[^$\s]+\$[0-9a-f]+"
    r"|(?P<name>\b(?:password|passwd|secret|token|api[-_]?key)\b[\"']?\s*[=:]\s*[\"']?)[^\s,;&\"']+"
    # PostgreSQL and asyncpg repeat the value they cannot read.
    r"|(?P<value>\binvalid input (?:syntax|value|for query argument)[^:\n]*:\s*)"
    r"(?:\"[^\"]*\"|[^\n]+)",
    re.IGNORECASE,
)


def redact_text(text: str) -> str:
    """The text with URL passwords, bearer tokens, JWTs, password hashes, `password=…` and values
    the database could not read hidden."""
    return SECRET_TEXT.sub(_hide, text)


def _hide(match: re.Match[str]) -> str:
    kept = match["url"] or match["scheme"] or match["name"] or match["value"] or ""
    return kept + REDACTED


def redact(value: Any, depth: int = DEPTH) -> Any:
    """The value with every secret in it hidden, in any nesting; too deep a nesting is cut."""
    if isinstance(value, Mapping | list | tuple | set | frozenset):
        return _redact_inside(value, depth - 1) if depth else "[nested too deep]"
    if value is None or isinstance(value, bool | int | float):
        return value
    if isinstance(value, bytes):
        value = value.decode("utf-8", "backslashreplace")
    return redact_text(str(value))


def _redact_inside(value: Any, depth: int) -> Any:
    if isinstance(value, Mapping):
        return {
            str(name): REDACTED if SECRET_NAME.search(str(name)) else redact(inner, depth)
            for name, inner in value.items()
        }
    return [redact(inner, depth) for inner in value]
