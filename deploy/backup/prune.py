"""Removing what retention no longer wants, and nothing this command did not write."""

from __future__ import annotations

from deploy.backup import log
from deploy.backup.catalogue import Backup, Catalogue
from deploy.backup.retention import Keep, kept


def prune(catalogue: Catalogue, keep: Keep, *, dry: bool = False) -> list[Backup]:
    """The backups removed; with `dry`, those that would be. Raises `BackupError`."""
    every = catalogue.backups()
    going = []
    for database in sorted({each.name.database for each in every}):
        own = [each for each in every if each.name.database == database]
        verified = (each.name for each in own if each.verified_at)
        wanted = kept((each.name for each in own), verified, keep)
        going += [each for each in own if each.name not in wanted]
    if not dry:
        for backup in going:
            catalogue.remove(backup)
            log.info("backup removed", name=str(backup.name))
        catalogue.remove_all(catalogue.abandoned(log.now()))
    return going
