"""A filter made a little narrower or wider by a key press."""

from console.logs.filters.expression import And, Comparison, Expression, all_of
from console.logs.filters.formatter import to_text
from console.logs.filters.parser import Filter

__all__ = ["has", "least_level", "narrowed", "toggled", "with_least_level"]


def least_level(wanted: Filter) -> str:
    """Return the level that all lines must have at least, "" if there is none."""
    for part in _parts(wanted):
        match part:
            case Comparison("level", ">=", (level,)):
                return str(level)
    return ""


def with_least_level(wanted: Filter, level: str) -> str:
    """Return the text of the filter with another least level, "" for none."""
    parts = [part for part in _parts(wanted) if not _is_least_level(part)]
    if level:
        parts.insert(0, Comparison("level", ">=", (level,)))
    return to_text(all_of(parts))


def toggled(wanted: Filter, part: Expression, opposite: Expression | None = None) -> str:
    """Return the text of the filter without a condition if it has that, else with it, and without
    its opposite."""
    parts = _parts(wanted)
    if part in parts:
        parts.remove(part)
    else:
        parts = [*(other for other in parts if other != opposite), part]
    return to_text(all_of(parts))


def has(wanted: Filter, part: Expression) -> bool:
    """Tell whether a condition is one that all lines must meet."""
    return part in _parts(wanted)


def narrowed(wanted: Filter, part: Expression) -> str:
    """Return the text of the filter with one more condition."""
    parts = _parts(wanted)
    return to_text(all_of([*parts, *([] if part in parts else [part])]))


def _parts(wanted: Filter) -> list[Expression]:
    whole = wanted.whole
    return list(whole.parts) if isinstance(whole, And) else [whole]


def _is_least_level(part: Expression) -> bool:
    return isinstance(part, Comparison) and (part.field, part.operator) == ("level", ">=")
