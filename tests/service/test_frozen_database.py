"""A database that accepts and never answers, as one behind a broken network does."""

from collections.abc import Callable, Iterator

import httpx
import pytest

from tests.service.support import Service
from tests.support import silent_port


@pytest.fixture
def silent() -> Iterator[int]:
    with silent_port() as port:
        yield port


def test_health_is_answered_whatever_the_database_does(
    own_service: Callable[..., Service], silent: int
) -> None:
    service = own_service(DATABASE_URL=f"postgresql://u:p@127.0.0.1:{silent}/d")
    for path in ("/health", "/health/ready"):
        # The client's own limit is the contract's: past 2 s this raises.
        answer = httpx.get(f"{service.url}{path}", timeout=2)
        assert answer.status_code == 503
    assert httpx.get(f"{service.url}/health", timeout=2).json()["error"] == "timeout"
    assert httpx.get(f"{service.url}/health/live", timeout=2).status_code == 200
