"""Names under which requests and messages are the same but for the ids and numbers in them."""

import re

__all__ = ["PlaceCache", "fold", "label", "named"]

_LENGTH = 200
_CACHED = 16_384

_PATH_ID = re.compile(r"(?<=/)(\d+|[0-9a-fA-F-]{16,})(?=/|$)")
_VARIABLE = re.compile(
    r"\b[0-9a-fA-F]{8,}(?:-[0-9a-fA-F]{4,}){0,4}\b"  # UUIDs, hashes, trace ids
    r"|\b[\w.+-]{1,64}@[\w.-]+"
    r"|\d+(?:[.,:]\d+)*"
)


def label(method: str, route: str, path: str) -> str:
    """Return `GET /users/{id}`, or where no route is told, the path with `…` for its ids."""
    return named(method, route or _place(path))


def named(method: str, place: str) -> str:
    """Return the label of requests to a route, or to what PlaceCache tells."""
    return f"{method} {place}".strip()[:_LENGTH]


def _place(path: str) -> str:
    return _PATH_ID.sub("…", path.partition("?")[0][:_LENGTH])


def fold(text: str) -> str:
    """Return a message with `…` for every number, id and address in it."""
    return _VARIABLE.sub("…", text[:_LENGTH])


class PlaceCache(dict[str, str]):
    """What stands in labels for each path asked for lately."""

    def __missing__(self, path: str) -> str:
        found = _place(path)
        if len(self) >= _CACHED:
            self.clear()
        # A longer one is hardly asked for again, and thousands of them would take too much memory.
        if len(path) <= 2 * _LENGTH:
            self[path] = found
        return found
