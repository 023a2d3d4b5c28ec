"""A line of the checklist, and what can come of it."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from service.checks.scene import Scene


class Status(StrEnum):
    """`UNKNOWN`: it could not be determined, mostly for something another line fails by."""

    PASS = "pass"  # noqa: S105 - not a password
    FAIL = "fail"
    UNKNOWN = "unknown"


class Group(StrEnum):
    """The guide's two checklists, and what operating a service teaches beyond them."""

    PRODUCTION = "production"
    SECURITY = "security"
    OPERATION = "operation"


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was found and, unless it is as it should be, what to do: a command or a setting."""

    status: Status
    found: str
    remedy: str | None = None


def passed(found: str) -> Outcome:
    """The line holds."""
    return Outcome(Status.PASS, found)


def failed(found: str, remedy: str) -> Outcome:
    """The line does not hold."""
    return Outcome(Status.FAIL, found, remedy)


class Unknowable(Exception):  # noqa: N818 - a state of knowledge, not a fault of the line
    """Ends a check that cannot be carried out. `remedy` says what would make it possible."""

    def __init__(self, found: str, remedy: str) -> None:
        super().__init__(found)
        self.found = found
        self.remedy = remedy


@dataclass(frozen=True, slots=True)
class Line:
    """One line. `title`: the guide's own words. `deployed`: needs a running deployment. `keys`:
    the configuration keys it answers for; None: those no other line does."""

    id: str
    title: str
    group: Group
    check: Callable[[Scene], Awaitable[Outcome]]
    keys: tuple[str, ...] | None = ()
    deployed: bool = False


@dataclass(frozen=True, slots=True)
class Result:
    """A line and what came of it."""

    line: Line
    outcome: Outcome
