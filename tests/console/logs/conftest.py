"""Workers that are gone after the test."""

from collections.abc import Iterator

import pytest

from console.logs.files.workers import Workers


@pytest.fixture
def workers() -> Iterator[Workers]:
    """Two of them, whatever the machine has."""
    made = Workers(2)
    yield made
    made.close()
    assert made.processes == []
