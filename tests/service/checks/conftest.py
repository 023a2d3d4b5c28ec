"""One deployment for all tests of this process: none of them changes it."""

from collections.abc import Iterator

import pytest

from tests.service.checks.deployment import Deployment, deployed


@pytest.fixture(scope="session")
def deployment(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Deployment]:
    """Everything that production has, running."""
    with deployed(tmp_path_factory.mktemp("deployment")) as made:
        yield made
