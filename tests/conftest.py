"""The real parts every test shares: PostgreSQL from its wheel, and a database of one's own."""

from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest

from service.database import embedded
from tests.support import ROOT, alembic, database_name, execute, in_database


@pytest.fixture(scope="session")
def postgres() -> Iterator[str]:
    """The URL of a PostgreSQL that every test process of this checkout shares."""
    with embedded.start(ROOT / "var" / "test-postgres", durable=False) as server:
        yield server.url


@pytest.fixture(scope="session")
def create_database(postgres: str) -> Iterator[Callable[[str], str]]:
    """Makes a database like the named one, for this test process; dropped at the end."""
    made: list[str] = []

    def create(template: str = "template1") -> str:
        name = f"test_{uuid4().hex[:12]}"
        execute(postgres, f"CREATE DATABASE {name} TEMPLATE {template}")
        made.append(name)
        return in_database(postgres, name)

    yield create
    execute(postgres, *(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)" for name in made))


@pytest.fixture(scope="session")
def migrated_template(create_database: Callable[[str], str]) -> str:
    """The name of a database with the schema at its head, made by Alembic itself."""
    url = create_database("template1")
    result = alembic(url, "upgrade", "head")
    assert result.returncode == 0, result.stderr
    return database_name(url)


@pytest.fixture
def empty_database(create_database: Callable[[str], str]) -> str:
    """A database nobody else uses, with nothing in it."""
    return create_database("template1")


@pytest.fixture
def database(create_database: Callable[[str], str], migrated_template: str) -> str:
    """A database nobody else uses, with the schema at its head."""
    return create_database(migrated_template)
