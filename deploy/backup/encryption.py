"""age's file format: whoever has the recipient alone can write backups and read none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyrage  # type: ignore[import-untyped]
from pyrage import ssh, x25519

from deploy.backup.problems import BackupError, CorruptError, UsageError
from deploy.backup.stores import Reader, Writer

CHUNK = 1024 * 1024

Recipients = Sequence[Any]
Identities = Sequence[Any]


def recipients(texts: Sequence[str]) -> Recipients:
    """The public keys. Raises `UsageError`."""
    found = []
    for text in texts:
        kind = ssh.Recipient if text.startswith("ssh-") else x25519.Recipient
        try:
            found.append(kind.from_str(text))
        except pyrage.RecipientError:
            raise UsageError(
                f"BACKUP_AGE_RECIPIENT: {text[:12]}… is no public key; one begins with age1, "
                "ssh-ed25519 or ssh-rsa"
            ) from None
    return found


def identities(path: Path | None) -> Identities:
    """The private keys in the file. Raises `UsageError`."""
    if path is None:
        raise UsageError("this backup is encrypted: set BACKUP_AGE_IDENTITY_FILE")
    try:
        data = path.read_bytes()
    except OSError as error:
        raise UsageError(f"BACKUP_AGE_IDENTITY_FILE {path}: {error.strerror}") from None
    try:
        if b"PRIVATE KEY-----" in data:
            return [ssh.Identity.from_buffer(data)]
        lines = (line.strip() for line in data.decode("ascii", "replace").splitlines())
        found = [x25519.Identity.from_str(line) for line in lines if line and line[0] != "#"]
    except pyrage.IdentityError:
        found = []
    if not found:
        raise UsageError(f"BACKUP_AGE_IDENTITY_FILE {path}: there is no private key in it")
    return found


def throwaway() -> Any:
    """A private key for one run, which proves what it wrote and can read nothing older."""
    return x25519.Identity.generate()


def encrypt(source: Reader, sink: Writer, to: Recipients) -> None:
    """Copies, encrypted; plainly when there is no recipient."""
    if not to:
        _copy(source, sink)
        return
    guarded = _Remembering(sink)
    try:
        pyrage.encrypt_io(source, guarded, list(to))
    except (pyrage.EncryptError, OSError) as error:
        raise guarded.failure or BackupError(f"encryption: {error}") from error
    guarded.check()


def decrypt(source: Reader, sink: Writer, keys: Identities | None) -> None:
    """Copies, decrypted; plainly when there are no keys. Raises `CorruptError`."""
    if keys is None:
        _copy(source, sink)
        return
    guarded = _Remembering(sink)
    try:
        pyrage.decrypt_io(source, guarded, list(keys))
    except pyrage.DecryptError as error:
        raise guarded.failure or CorruptError(
            f"it does not decrypt: {error}; is BACKUP_AGE_IDENTITY_FILE the key of its recipient?"
        ) from error
    except OSError as error:
        raise guarded.failure or CorruptError(f"it does not decrypt: {error}") from error
    guarded.check()


def _copy(source: Reader, sink: Writer) -> None:
    while chunk := source.read(CHUNK):
        sink.write(chunk)


@dataclass
class _Remembering:
    """pyrage loses what its last write raises: without this, a full disk would go unnoticed."""

    sink: Writer
    failure: BaseException | None = field(default=None)

    def write(self, data: bytes) -> int:
        try:
            return self.sink.write(data)
        except BaseException as error:
            self.failure = self.failure or error
            raise

    def flush(self) -> None:
        try:
            self.sink.flush()
        except BaseException as error:
            self.failure = self.failure or error
            raise

    def check(self) -> None:
        if self.failure:
            raise self.failure
