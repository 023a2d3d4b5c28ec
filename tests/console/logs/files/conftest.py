"""Log files on disk, and how much is read of them."""

from collections.abc import Callable
from pathlib import Path

import pytest

from console.logs.files.log_file import LogFile


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[[bytes], LogFile]:
    """Opens a file of that content."""

    def make(content: bytes, name: str = "app.log") -> LogFile:
        path = tmp_path / name
        path.write_bytes(content)
        return LogFile.open(path)

    return make


@pytest.fixture
def reads_of(monkeypatch: pytest.MonkeyPatch) -> Callable[[LogFile], list[int]]:
    """Begins to note how many bytes each look into a file asks for."""

    def begin(log: LogFile) -> list[int]:
        sizes: list[int] = []
        original = log.read

        def noting(offset: int, size: int) -> bytes:
            sizes.append(size)
            return original(offset, size)

        monkeypatch.setattr(log, "read", noting)
        return sizes

    return begin
