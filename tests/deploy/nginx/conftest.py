"""A server behind nginx, and nginx before it on the shipped files."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.deploy.nginx.site import Change, Site, nginx, servers
from tests.deploy.nginx.upstream import Upstream, upstream

Begin = Callable[..., Site]


@pytest.fixture
def behind() -> Iterator[Upstream]:
    """The only server nginx knows."""
    with upstream() as running:
        yield running


@pytest.fixture
def begin(behind: Upstream, tmp_path: Path) -> Iterator[Begin]:
    """Starts nginx with these changes; stopped at the end."""
    with ExitStack() as stack:

        def start(*changes: Change) -> Site:
            return stack.enter_context(nginx(tmp_path / "nginx", servers(behind.address), *changes))

        yield start
