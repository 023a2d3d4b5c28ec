"""Whatever a log call is given, as plain data of bounded size. Nothing that is given can raise."""

from collections.abc import Callable, Mapping
from functools import partial
from itertools import islice
from typing import Any

TEXT_LIMIT = 8000
ITEM_LIMIT = 1000
DEPTH = 8
# Half a token would no longer be known as one; none is longer.
LONGEST_WORD = 4000
SIGNED_64_BITS = range(-(2**63), 2**63)


def plain_text(value: object, limit: int = TEXT_LIMIT, *, redacted: bool = False) -> str:
    """The value as text, of which at most `limit` characters and how many there were.

    Before secrets are hidden, the cut leaves no part of a word: it may be one.
    """
    try:
        if isinstance(value, bytes):
            told = value[: limit + 1].decode("utf-8", "backslashreplace")
            length = len(value)
        else:
            told = str.__str__(value if isinstance(value, str) else str(value))
            length = len(told)
    except Exception as error:
        return f"[a {type(value).__name__} that raises {type(error).__name__}]"
    if length <= limit:
        return told
    kept = told[:limit]
    return f"{kept if redacted else _without_cut_word(kept)} [cut: {length} characters]"


def _without_cut_word(kept: str) -> str:
    end = kept[-LONGEST_WORD:]
    words = end.rsplit(None, 1)
    return kept[: -len(end)] + (words[0] if len(words) > 1 else "")


def plain(
    value: object, limit: int = TEXT_LIMIT, items: int = ITEM_LIMIT, *, redacted: bool = False
) -> Any:
    """The value as dicts, lists, text, numbers, booleans and None. What has more than `items`
    values in it, or is nested too deep, is cut and says so; texts are cut as `plain_text` does."""
    return _Copy(partial(plain_text, limit=limit, redacted=redacted), items).of(value, DEPTH)


class _Copy:
    def __init__(self, text_of: Callable[[object], str], items: int) -> None:
        self._text = text_of
        self._left = items

    def of(self, value: object, depth: int) -> Any:
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, float):
            return float.__float__(value)
        if isinstance(value, int) and int.__int__(value) in SIGNED_64_BITS:
            return int.__int__(value)
        if isinstance(value, Mapping | list | tuple | set | frozenset):
            try:
                return self._inside(value, depth - 1) if depth else "[nested too deep]"
            except Exception as error:  # it changes, or is of a class that fails
                return f"[a {type(value).__name__} that raises {type(error).__name__}]"
        return self._text(value)

    def _inside(self, value: Any, depth: int) -> Any:
        size = len(value)
        room = max(0, self._left)
        self._left -= min(size, room)
        if isinstance(value, Mapping):
            copied = {
                self._text(name): self.of(inner, depth)
                for name, inner in islice(value.items(), room)
            }
            return copied if size <= room else copied | {"[cut]": f"{size} items"}
        listed = [self.of(inner, depth) for inner in islice(value, room)]
        return listed if size <= room else [*listed, f"[cut: {size} items]"]
