"""Text in columns, as wide as a terminal and harmless to it."""

import re
import unicodedata
from collections.abc import Sequence

from console.text import visible

__all__ = ["GAP", "cells", "fit", "table", "width_of"]

# Vowels and finals of Hangul, drawn into the syllable before them; and what Unicode 16 or some
# terminals have made wide.
_JOINED = re.compile("[\u1160-\u11ff\ud7b0-\ud7fb]")
_WIDER = re.compile(
    "[\u2630-\u2637\u268a-\u268f\u3248-\u324f\u4dc0-\u4dff"
    "\U0001d300-\U0001d356\U0001d360-\U0001d376]"
)
GAP = "  "
"""What stands between two columns."""


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
    """Return `cells` joined to lines of at most `width` columns."""
    return [GAP.join(row) for row in cells(heading, rows, width, least=least)]


def cells(
    heading: Sequence[str], rows: Sequence[Sequence[str]], width: int, *, least: int = 12
) -> list[list[str]]:
    """Return heading and rows, every cell as wide as its column: the first one of each row takes
    the room that the others, which stand at the right, leave, but at least `least`; the last ones
    then give way."""
    shown = len(heading)
    widths = [max(width_of(row[i]) for row in (heading, *rows)) for i in range(shown)]
    while shown > 1 and least + sum(widths[1:shown]) + len(GAP) * (shown - 1) > width:
        shown -= 1
    first = min(widths[0], width - sum(widths[1:shown]) - len(GAP) * (shown - 1))
    return [
        [fit(row[0], first), *(_right(row[i], widths[i]) for i in range(1, shown))]
        for row in (heading, *rows)
    ]


def _right(shown: str, width: int) -> str:
    return " " * (width - width_of(shown)) + shown


def _cells(character: str) -> int:
    if unicodedata.category(character) in {"Mn", "Me"} or _JOINED.match(character):
        return 0
    wide = unicodedata.east_asian_width(character) in {"W", "F"} or _WIDER.match(character)
    return 2 if wide else 1
