"""One PostgreSQL and one Valkey for all these tests, which take turns: each looks at times."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.scene import Scene, scene

HERE = Path(__file__).parent


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """What the service stands on."""
    with scene(tmp_path_factory.mktemp("faults")) as started:
        yield started


@pytest.fixture
def site(running: Scene) -> Scene:
    """The same, with nobody left on it from before."""
    running.postgres.wait_for_none()
    return running


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keeps them to one process of xdist."""
    for item in items:
        if item.path.is_relative_to(HERE) and item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group("faults"))
