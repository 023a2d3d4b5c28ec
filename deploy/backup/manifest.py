"""What a backup should hold once restored, and the differences from what one does hold.

The part that tells of rows is encrypted like them: a digest of a small table can be guessed.
"""

from __future__ import annotations

import base64
import io
import json
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from deploy.backup.encryption import Identities, Recipients, decrypt, encrypt
from deploy.backup.names import Name
from deploy.backup.problems import CorruptError, shown

FORMAT = 1
_KINDS: dict[str, type] = {
    "database": str,
    "created_at": str,
    "file": str,
    "size_bytes": int,
    "sha256": str,
    "rows": int,
    "server_version": str,
    "pg_dump_version": str,
    "alembic_version": list,
    "encrypted": bool,
}


@dataclass(frozen=True, slots=True)
class Table:
    """How many rows, and a digest of them in any order."""

    rows: int
    digest: str


@dataclass(frozen=True, slots=True)
class Sequence:
    """Where a sequence stands. One that goes on while it is backed up may only be further."""

    value: int
    called: bool
    ascending: bool
    cycles: bool

    def reached(self, other: Sequence) -> bool:
        """Whether this is where `other` was, or further."""
        if self.cycles:
            return True
        ahead = self.value - other.value if other.ascending else other.value - self.value
        return ahead > 0 or (ahead == 0 and self.called >= other.called)


@dataclass(frozen=True, slots=True)
class Properties:
    """How the database was made, and its own settings (`ALTER DATABASE … SET`)."""

    encoding: str
    collate: str
    ctype: str
    provider: str = "c"
    locale: str | None = None
    settings: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Content:
    """Everything that is compared. Names are as SQL writes them."""

    properties: Properties
    tables: dict[str, Table]
    sequences: dict[str, Sequence]

    @property
    def rows(self) -> int:
        """Of all tables."""
        return sum(table.rows for table in self.tables.values())

    def differences(self, found: Content) -> list[str]:
        """What `found` lacks or has too much, a line for each table and sequence."""
        told = []
        for name in sorted(self.tables.keys() | found.tables.keys()):
            told += _difference(shown(name), self.tables.get(name), found.tables.get(name))
        for name, wanted in sorted(self.sequences.items()):
            there = found.sequences.get(name)
            if there is None:
                told.append(f"sequence {shown(name)}: missing")
            elif not there.reached(wanted):
                told.append(f"sequence {shown(name)}: {there.value}, was {wanted.value}")
        return told

    @classmethod
    def read(cls, data: Any) -> Self:
        """From JSON."""
        return cls(
            Properties(**data["properties"]),
            {name: Table(**each) for name, each in data["tables"].items()},
            {name: Sequence(**each) for name, each in data["sequences"].items()},
        )


def _difference(name: str, wanted: Table | None, found: Table | None) -> list[str]:
    if found is None:
        return [f"{name}: missing, {wanted.rows if wanted else 0} rows were backed up"]
    if wanted is None:
        return [f"{name}: was not backed up, {found.rows} rows"]
    if wanted.rows != found.rows:
        return [f"{name}: {found.rows} rows, {wanted.rows} were backed up"]
    if wanted.digest != found.digest:
        return [f"{name}: {found.rows} rows, as many as were backed up, but not the same"]
    return []


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is said of a backup beside it. `content` is plain JSON, or age's file in base64."""

    name: str
    database: str
    created_at: str
    file: str
    size_bytes: int
    sha256: str
    rows: int
    server_version: str
    pg_dump_version: str
    alembic_version: list[str]
    encrypted: bool
    content: Any
    format: int = FORMAT

    def write(self) -> bytes:
        """As JSON."""
        return json.dumps(asdict(self), indent=1).encode() + b"\n"

    @classmethod
    def read(cls, name: Name, data: bytes) -> Self:
        """Raises `CorruptError` for whatever is not the manifest of this backup."""
        try:
            found = cls(**json.loads(data))
        except (ValueError, TypeError, RecursionError):
            raise CorruptError(f"{name}: its manifest is not one") from None
        files = {f"{name}.dump", f"{name}.dump.age"}
        if any(not isinstance(getattr(found, key), kind) for key, kind in _KINDS.items()):
            raise CorruptError(f"{name}: its manifest is not one")
        if found.format != FORMAT:
            raise CorruptError(f"{name}: format {found.format!r} is not known here")
        if found.name != str(name) or found.file not in files:
            raise CorruptError(f"{name}: its manifest is that of {shown(found.name)}")
        return found

    def opened(self, keys: Identities | None) -> Content:
        """The content. Raises `CorruptError`, for a wrong key too."""
        try:
            if not self.encrypted:
                return Content.read(self.content)
            out = io.BytesIO()
            decrypt(io.BytesIO(base64.b64decode(self.content, validate=True)), out, keys)
            return Content.read(json.loads(out.getvalue()))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            raise CorruptError(f"{self.name}: its manifest does not tell its content") from None


def sealed(content: Content, to: Recipients) -> Any:
    """The content as a manifest holds it."""
    plain = asdict(content)
    if not to:
        return plain
    out = io.BytesIO()
    encrypt(io.BytesIO(json.dumps(plain).encode()), out, to)
    return base64.b64encode(out.getvalue()).decode()
