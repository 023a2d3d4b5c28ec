"""What the tests of this folder share."""

from typing import Any

import httpx
import pytest

from tests.service.shared import start_shared
from tests.service.support import Service

__all__ = ["document", "start_shared"]


@pytest.fixture(scope="session")
def document(service: Service) -> dict[str, Any]:
    """What the service says of itself."""
    found: dict[str, Any] = httpx.get(f"{service.url}/openapi.json").raise_for_status().json()
    return found
