"""What the tests of this folder share."""

from collections.abc import Iterator

import pytest

from tests.service.shared import newcomer, start_shared
from tests.valkey import Valkey

__all__ = ["newcomer", "start_shared"]


@pytest.fixture(scope="module")
def valkey() -> Iterator[Valkey]:
    """A store of rate limits that the module's tests share."""
    server = Valkey()
    yield server
    server.kill()


@pytest.fixture
def own_valkey() -> Iterator[Valkey]:
    """A store of rate limits for one test, which may break it."""
    server = Valkey()
    yield server
    server.kill()
