"""Pairs of sides, each on a database of its own, and the store they count in."""

from collections.abc import Callable, Iterator
from functools import reduce

import pytest

pytest.register_assert_rewrite(
    "tests.contract.behaviours", "tests.contract.people", "tests.contract.support"
)

from tests.contract.support import Pair, Settings, start_pair  # noqa: E402 - after the line above
from tests.support import in_database  # noqa: E402
from tests.valkey import Valkey  # noqa: E402


@pytest.fixture(scope="session")
def valkey() -> Iterator[Valkey]:
    """A real store for rate limits."""
    server = Valkey()
    yield server
    server.kill()


@pytest.fixture(scope="session")
def pairs(
    create_database: Callable[[str], str],
    migrated_template: str,
    valkey: Valkey,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Callable[[Settings], Pair]]:
    """The pair with these settings; the one before it is stopped, for tests come in their order."""
    started: dict[Settings, Pair] = {}

    def pair_with(settings: Settings) -> Pair:
        if settings not in started:
            stop_all(started)
            database = create_database(migrated_template)
            meant = {
                "{database}": database.partition("://")[2],
                "{store}": valkey.url,
                "{tableless}": in_database(database, "postgres"),
            }
            variables = {
                name: reduce(lambda text, each: text.replace(*each), meant.items(), value)
                for name, value in settings.variables.items()
            }
            folder = tmp_path_factory.mktemp(settings.name)
            started[settings] = start_pair(database, folder, **variables)
        return started[settings]

    yield pair_with
    stop_all(started)


def stop_all(started: dict[Settings, Pair]) -> None:
    """Stops them, and forgets them."""
    while started:
        started.popitem()[1].stop()
