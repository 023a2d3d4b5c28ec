"""Which logs can be read anywhere, and which only as they come."""

import os
from collections.abc import Iterable
from glob import has_magic
from pathlib import Path

from console.logs.sources.reader import open_regular
from console.targets import Command

__all__ = ["FILES", "plain_files"]

FILES = 16
"""So many files are shown side by side; the lines of more are put in order as they come."""


def plain_files(entries: Iterable[Path | Command]) -> list[Path]:
    """Return the entries if each of them is a plain file, or will be one; else none at all."""
    paths: list[Path] = []
    for entry in dict.fromkeys(entries):
        if isinstance(entry, Command) or not _is_plain(entry):
            return []
        paths.append(entry)
    return paths if len(paths) <= FILES else []


def _is_plain(path: Path) -> bool:
    if str(path) == "-" or path.is_dir() or (has_magic(str(path)) and not path.exists()):
        return False
    if _begins_with_json(path):
        return True
    # Imported late: an operator waits for the newest lines, and few logs are compressed.
    from console.logs.sources.archive import archive_kind  # noqa: PLC0415

    return not archive_kind(path)


def _begins_with_json(path: Path) -> bool:
    try:
        descriptor = open_regular(path)
    except OSError:
        return False
    try:
        return os.read(descriptor, 1) == b"{"
    except OSError:
        return False
    finally:
        os.close(descriptor)
