"""Text in columns, as wide as a terminal and harmless to it."""

import unicodedata
from collections.abc import Sequence

from console.text import visible

__all__ = ["fit", "table", "width_of"]

_GAP = "  "


def width_of(text: str) -> int:
    """Return how many columns of a terminal a text takes that `visible` has returned."""
    if text.isascii():
        return len(text)
    return sum(map(_cells, text))


def fit(text: object, width: int) -> str:
    """Return a text that is safe to draw, cut or filled up to exactly `width` columns."""
    shown = visible(text, max(width, 1))
    while width_of(shown) > width:
        shown = shown[:-2] + "…" if len(shown) > 1 else ""
    return shown + " " * (width - width_of(shown))


def table(
    heading: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, least: int = 12
) -> list[str]:
    """Return lines of at most `width` columns: the first cell of each row takes the room that the
    others, which stand at the right, leave, but at least `least`; the last ones then give way."""
    shown = len(heading)
    widths = [max(width_of(row[i]) for row in (heading, *rows)) for i in range(shown)]
    while shown > 1 and least + sum(widths[1:shown]) + len(_GAP) * (shown - 1) > width:
        shown -= 1
    first = min(widths[0], width - sum(widths[1:shown]) - len(_GAP) * (shown - 1))
    return [
        _GAP.join([fit(row[0], first), *(_right(row[i], widths[i]) for i in range(1, shown))])
        for row in (heading, *rows)
    ]


def _right(shown: str, width: int) -> str:
    return " " * (width - width_of(shown)) + shown


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"}:
        return 0
    return 2 if unicodedata.east_asian_width(character) in {"W", "F"} else 1
