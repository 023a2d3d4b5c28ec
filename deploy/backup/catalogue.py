"""The backups in a store: found, marked as verified, removed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from deploy.backup import log
from deploy.backup.names import DUMP, MANIFEST, SEALED, VERIFIED, Name, parse_file, slug
from deploy.backup.problems import BackupError, UsageError, shown
from deploy.backup.stores import Entry, Store, read_small, write_small

# What was begun longer ago and has no manifest will not get one.
ABANDONED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Backup:
    """A whole backup. `verified_at` is None until it was restored and found the same."""

    name: Name
    size: int
    encrypted: bool
    verified_at: str | None
    files: tuple[Entry, ...]


@dataclass(frozen=True, slots=True)
class Catalogue:
    """Only files that bear this command's names are seen at all."""

    store: Store

    def backups(self) -> list[Backup]:
        """Every backup that has its manifest, by database, the oldest first."""
        return self._read()[0]

    def abandoned(self, moment: datetime) -> list[Entry]:
        """Parts of backups that were never finished."""
        return [each for each in self._read()[1] if each.modified < moment - ABANDONED]

    def find(self, text: str, database: str | None) -> Backup:
        """The backup of that name, or with `latest` the newest of the database."""
        every = self.backups()
        there = bool(every)
        if text != "latest":
            found = [each for each in every if str(each.name) == text]
            if not found:
                raise BackupError(f"there is no backup {shown(text)}: see list")
            return found[0]
        if database is not None:
            every = [each for each in every if each.name.database == slug(database)]
        elif len({each.name.database for each in every}) > 1:
            raise UsageError("there are backups of several databases: name one, see list")
        if not every and there:
            raise BackupError(f"there is no backup of {shown(database)} yet: name one, see list")
        if not every:
            raise BackupError("there is no backup yet: create one")
        return max(every, key=lambda each: each.name.created_at)

    def mark_verified(self, name: Name, sha256: str, moment: datetime) -> None:
        """Notes that this content was restored and compared."""
        told = {"verified_at": log.stamp(moment), "sha256": sha256}
        write_small(self.store, f"{name}{VERIFIED}", json.dumps(told).encode() + b"\n")

    def remove(self, backup: Backup) -> None:
        """The manifest goes first: what is left of it then is no backup any more."""
        order = (MANIFEST, VERIFIED, DUMP, SEALED)
        for entry in sorted(backup.files, key=lambda each: order.index(_suffix(each))):
            self.store.delete(entry)

    def remove_all(self, entries: Iterable[Entry]) -> None:
        """Files of no backup."""
        for entry in entries:
            self.store.delete(entry)

    def _read(self) -> tuple[list[Backup], list[Entry]]:
        files: dict[Name, dict[str, Entry]] = {}
        strays: list[Entry] = []
        for entry in self.store.entries():
            if parsed := parse_file(entry.name):
                if entry.partial:
                    strays.append(entry)
                else:
                    files.setdefault(parsed[0], {})[parsed[1]] = entry
        backups = []
        for name, found in sorted(files.items()):
            if MANIFEST not in found:
                strays += found.values()
                continue
            content = found.get(SEALED) or found.get(DUMP)
            backups.append(
                Backup(
                    name=name,
                    size=content.size if content else 0,
                    encrypted=SEALED in found,
                    verified_at=self._verified_at(name) if VERIFIED in found else None,
                    files=tuple(found.values()),
                )
            )
        return backups, strays

    def _verified_at(self, name: Name) -> str | None:
        try:
            told = json.loads(read_small(self.store, f"{name}{VERIFIED}"))["verified_at"]
            return log.stamp(datetime.fromisoformat(told))
        except (ValueError, TypeError, KeyError, BackupError):
            return None


def _suffix(entry: Entry) -> str:
    parsed = parse_file(entry.name)
    return parsed[1] if parsed else ""
