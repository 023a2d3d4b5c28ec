"""Log files on disk, and workers that are gone after the test."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from console.logs.files.log_file import LogFile
from console.logs.files.workers import Workers


@pytest.fixture
def log_of(tmp_path: Path) -> Callable[[bytes], LogFile]:
    """Opens a file of that content."""

    def make(content: bytes, name: str = "app.log") -> LogFile:
        path = tmp_path / name
        path.write_bytes(content)
        return LogFile.open(path)

    return make


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two of them, whatever the machine has."""
    made = Workers(2)
    yield made
    made.close()
    assert made.processes == []
