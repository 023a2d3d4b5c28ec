"""How severe a line is, whatever its writer calls it."""

from collections.abc import Mapping
from typing import Any

__all__ = ["LEVELS", "SPELLINGS", "level", "priority", "python_level", "rank"]

LEVELS = ("debug", "info", "warning", "error", "critical")

SPELLINGS: Mapping[str, str] = {
    spelling: level
    for level, names in {
        "debug": "debug trace verbose fine finer finest dbg vrb trc",
        "info": "info information informational notice default success log inf",
        "warning": "warning warn wrn",
        "error": "error err severe eror",
        "critical": "critical crit fatal ftl panic dpanic alert emerg emergency",
    }.items()
    for name in names.split()
    for spelling in (name, name.upper(), name.capitalize())
}
"""The level of each name that loggers have for it, in their usual spellings."""
_RANKS = {name: LEVELS.index(level) for name, level in SPELLINGS.items()}
_LONGEST = max(map(len, SPELLINGS))
# emerg, alert, crit, err, warning, notice, info, debug
_PRIORITIES = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")


def rank(level: str) -> int:
    """Return how severe a level is: debug 0 to critical 4, and info's 1 for an unknown one."""
    return _RANKS.get(level, 1)


def level(value: Any) -> str | None:
    """Return one of LEVELS for a name, or for a number of pino's scale (10 to 60) or syslog's."""
    if isinstance(value, str):
        if len(value) > _LONGEST + 2:
            return None
        found = SPELLINGS.get(value) or SPELLINGS.get(value.lower())
        return priority(value) if found is None and value.isdigit() else found
    if type(value) is not int or value < 0:
        return None
    return _PRIORITIES[value] if value < 8 else LEVELS[min(max(value // 10 - 2, 0), 4)]


def priority(value: Any) -> str | None:
    """Return the level of a syslog priority, 0 to 7, which journald has as text."""
    if isinstance(value, str) and len(value) == 1 and "0" <= value <= "7":
        value = int(value)
    return _PRIORITIES[value] if type(value) is int and 0 <= value < 8 else None


def python_level(value: Any) -> str | None:
    """Return the level of a number of Python's scale, 10 to 50."""
    if type(value) is not int or value < 1:
        return None
    return LEVELS[min(max(value // 10 - 1, 0), 4)]
