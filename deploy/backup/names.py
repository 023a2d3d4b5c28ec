"""What a backup is called: database, moment, and six digits that keep two of one second apart."""

from __future__ import annotations

import re
import secrets
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Self

_PATTERN = re.compile(r"([A-Za-z0-9_]{1,63})-(\d{8}T\d{6}Z)-([0-9a-f]{6})", re.ASCII)
_MOMENT = "%Y%m%dT%H%M%SZ"

DUMP, SEALED, MANIFEST, VERIFIED = ".dump", ".dump.age", ".json", ".verified"
"""The files of a backup: its content, plain or encrypted, what it should be, and when that was
found to be so."""
SUFFIXES = (SEALED, DUMP, MANIFEST, VERIFIED)


@dataclass(frozen=True, slots=True, order=True)
class Name:
    """Sorts by moment within a database."""

    database: str
    created_at: datetime
    nonce: str

    @classmethod
    def new(cls, database: str, moment: datetime) -> Self:
        """A name that no other backup has."""
        return cls(
            slug(database), moment.astimezone(UTC).replace(microsecond=0), secrets.token_hex(3)
        )

    @classmethod
    def parse(cls, text: str) -> Self | None:
        """The name; None for whatever was not written by this command."""
        match = _PATTERN.fullmatch(text)
        if match is None:
            return None
        try:
            moment = datetime.strptime(match[2], _MOMENT).replace(tzinfo=UTC)
        except ValueError:
            return None
        return cls(match[1], moment, match[3])

    def __str__(self) -> str:
        # strftime does not pad a year below 1000, which strptime wants.
        return f"{self.database}-{self.created_at.strftime(_MOMENT).zfill(16)}-{self.nonce}"


def slug(database: str) -> str:
    """The database's name with nothing in it that a file name could mind."""
    return re.sub(r"[^A-Za-z0-9_]", "_", database)[:63] or "_"


def parse_file(text: str) -> tuple[Name, str] | None:
    """The backup and the suffix of one of its files; None for any other file."""
    for suffix in SUFFIXES:
        if text.endswith(suffix) and (name := Name.parse(text.removesuffix(suffix))):
            return name, suffix
    return None
