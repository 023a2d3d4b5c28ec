"""The fields that every known format has, and how each of them is compared."""

import difflib
import re
from functools import lru_cache
from typing import Literal

from console.logs.records.aliases import ALIASES
from console.logs.records.levels import level
from console.logs.records.times import instant
from console.logs.records.values import text

__all__ = ["FIELDS", "NAME", "Kind", "canonical", "likely_typo"]

Kind = Literal["time", "level", "number", "duration", "text"]

FIELDS: dict[str, Kind] = {
    "level": "level",
    "status": "number",
    "path": "text",
    "route": "text",
    "method": "text",
    "duration_ms": "duration",
    "message": "text",
    "exception": "text",
    "request_id": "text",
    "user_id": "text",
    "client": "text",
    "logger": "text",
    "time": "time",
}
"""Canonical names, those that are asked for most first; what has no name here is `text`."""

NAME = re.compile(r"[^\W\d][\w@$./-]*|[@$][\w@$./-]+")
"""A name that needs no backticks."""

# Only names that mean the same in the same unit: `duration` of a line may be in seconds, `levelno`
# counts in another way. A raw level or time could be compared with nothing.
_SYNONYMS = {
    alias.path: name
    for name in ("level", "time", "message")
    for alias in ALIASES[name]
    if alias.read in {level, instant, text}
} | {"duration": "duration_ms"}


def canonical(name: str) -> str:
    """Return the canonical name that is meant by `name`, or `name` itself: a path into the line."""
    return _SYNONYMS.get(name, name)


@lru_cache(maxsize=1024)
def likely_typo(name: str) -> str | None:
    """Return the canonical name that was most likely meant, None if `name` is no typing error."""
    if name in FIELDS or any(name.startswith(known) for known in FIELDS):
        return None
    close = difflib.get_close_matches(name.lower()[:40], FIELDS, n=1, cutoff=0.8)
    return close[0] if close else None
