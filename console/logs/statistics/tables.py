"""Text in columns, as wide as a terminal and harmless to it."""

from collections.abc import Sequence

from console.text import fit, width_of

__all__ = ["GAP", "cells", "table"]

GAP = "  "
"""What stands between two columns."""


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
