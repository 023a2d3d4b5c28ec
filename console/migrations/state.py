"""Which revisions there are, and which of them the database has."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from console.migrations.command import run

__all__ = [
    "MigrationState",
    "Revision",
    "parse_current",
    "parse_history",
    "read_revisions",
    "read_state",
]

_TIME_LIMIT = 15.0
_FLAGS = r"(?P<flags>(?: \([^()]*\))*)"
_NOTE = re.compile(r" \([^()]*\)")
_HISTORY = re.compile(rf"(?P<down>\S.*?) -> (?P<id>\S+?){_FLAGS}, (?P<message>.*)$")
_CURRENT = re.compile(rf"(?P<id>\S+){_FLAGS}$")


@dataclass(frozen=True, slots=True)
class Revision:
    """One migration script. `parents` are the revisions it follows, empty for the first."""

    id: str
    parents: tuple[str, ...]
    message: str
    head: bool = False


@dataclass(frozen=True, slots=True)
class MigrationState:
    """All revisions, newest first, and the current ones of the database."""

    revisions: tuple[Revision, ...]
    current: frozenset[str]

    @property
    def heads(self) -> tuple[Revision, ...]:
        """The revisions that nothing follows; more than one when history has branched."""
        return tuple(revision for revision in self.revisions if revision.head)

    @property
    def applied(self) -> frozenset[str]:
        """The current revisions and everything they follow."""
        parents = {revision.id: revision.parents for revision in self.revisions}
        found: set[str] = set()
        pending = list(self.current)
        while pending:
            revision = pending.pop()
            if revision not in found:
                found.add(revision)
                pending.extend(parents.get(revision, ()))
        return frozenset(found)

    @property
    def pending(self) -> tuple[Revision, ...]:
        """What an upgrade to head would apply, in its order: oldest first."""
        applied = self.applied
        return tuple(r for r in reversed(self.revisions) if r.id not in applied)


async def read_revisions(folder: Path) -> tuple[Revision, ...]:
    """Ask `alembic history`, which needs no database. Raises AlembicError when it fails."""
    return parse_history(await run(folder, "history", time_limit=_TIME_LIMIT))


async def read_state(folder: Path, revisions: tuple[Revision, ...]) -> MigrationState:
    """Ask `alembic current`. Raises AlembicError when Alembic or the database refuses."""
    output = await run(folder, "current", time_limit=_TIME_LIMIT)
    return MigrationState(revisions, parse_current(output, {r.id for r in revisions}))


def parse_history(output: str) -> tuple[Revision, ...]:
    """Read `alembic history`: one `parents -> id (flags), message` a line, newest first.

    Other lines are what env.py or a plugin printed, and are skipped.
    """
    return tuple(
        Revision(
            id=match["id"],
            parents=()
            if match["down"] == "<base>"
            else tuple(p.strip() for p in _NOTE.sub("", match["down"]).split(",")),
            message=match["message"].strip(),
            head="(head)" in match["flags"] or "(effective head)" in match["flags"],
        )
        for line in output.splitlines()
        if (match := _HISTORY.match(line))
    )


def parse_current(output: str, known: Iterable[str]) -> frozenset[str]:
    """Read `alembic current`: the lines that name a `known` revision."""
    names = frozenset(known)
    return frozenset(
        match["id"]
        for line in output.splitlines()
        if (match := _CURRENT.match(line)) and match["id"] in names
    )
