"""A log in a folder of its own, a source that has read its first line, and a clock."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from console.logs.sources.file import FileSource
from tests.console.logs.sources.following import Clock
from tests.console.logs.sources.rotating import read, write


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Where the log is."""
    return tmp_path / "app.log"


@pytest.fixture
def clock() -> Clock:
    """For sources that are given one."""
    return Clock()


@pytest.fixture
def source(path: Path) -> Iterator[FileSource]:
    """A source that has read the first line of a log."""
    write(path, "first")
    source = FileSource(path)
    assert read(source) == ["first"]
    yield source
    source.close()
