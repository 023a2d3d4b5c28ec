"""How severe a line is, whatever its writer calls it."""

import re
from collections.abc import Mapping
from typing import Any

__all__ = [
    "LEVELS",
    "SPELLINGS",
    "information",
    "letter",
    "level",
    "named",
    "opentelemetry_level",
    "priority",
    "python_level",
    "rank",
]

LEVELS = ("debug", "info", "warning", "error", "critical")

SPELLINGS: Mapping[str, str] = {
    spelling: level
    for level, names in {
        "debug": "debug trace verbose fine finer finest silly http dbg vrb trc dbug trce debu trac",
        "info": "info information informational notice default success log inf audit",
        "warning": "warning warn wrn",
        "error": "error err severe eror erro fail",
        "critical": "critical crit fatal ftl fata panic pani pnc dpanic alert emerg emergency",
    }.items()
    for name in names.split()
    for spelling in (name, name.upper(), name.capitalize())
}
"""The level of each name that loggers have for it, in their usual spellings."""
_RANKS = {name: LEVELS.index(level) for name, level in SPELLINGS.items()}
_LONGEST = 40
# Go's slog has levels between the named ones, and some write colours into the name.
_DRESSED = re.compile(
    r"(?:\x1b\[[\d;]{0,10}m)*([A-Za-z]+)(?:[+-]\d{1,3})?\s*(?:\x1b\[[\d;]{0,10}m)*"
)
# emerg, alert, crit, err, warning, notice, info, debug
_PRIORITIES = ("critical", "critical", "critical", "error", "warning", "info", "info", "debug")
_LETTERS = {"D": "debug", "I": "info", "W": "warning", "E": "error", "F": "critical"}


def rank(level: str) -> int:
    """Return how severe a level is: debug 0 to critical 4, and info's 1 for an unknown one."""
    return _RANKS.get(level, 1)


def level(value: Any) -> str | None:
    """Return one of LEVELS for a name, or for a number: of pino's scale (10 to 60), Monolog's (100
    to 600) or syslog's."""
    if isinstance(value, str):
        return named(value) or priority(value)
    if type(value) is not int or value < 0:
        return None
    if value < 8:
        return _PRIORITIES[value]
    return LEVELS[min(max(value // 10 - 2 if value < 100 else value // 100 - 1, 0), 4)]


def named(value: Any) -> str | None:
    """Return the level of a name."""
    if not isinstance(value, str) or len(value) > _LONGEST:
        return None
    found = SPELLINGS.get(value) or SPELLINGS.get(value.lower())
    if found is None and (dressed := _DRESSED.fullmatch(value)):
        found = SPELLINGS.get(dressed[1].lower())
    return found


def letter(value: Any) -> str | None:
    """Return the level of MongoDB's letters."""
    return _LETTERS.get(value[:1]) if isinstance(value, str) and 0 < len(value) < 3 else None


def information(value: Any) -> str | None:
    """Return the level of what is not said to be anything else."""
    return "info" if isinstance(value, str) else None


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


def opentelemetry_level(value: Any) -> str | None:
    """Return the level of a number of OpenTelemetry's scale, 1 to 24."""
    if type(value) is not int or not 1 <= value <= 24:
        return None
    return LEVELS[max((value - 1) // 4 - 1, 0)]
