"""Operators with a database to back up, a store for it, and a key or none."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.deploy.backup.support import S3, Operator, operator_for, s3_server
from tests.support import execute, in_database

Hire = Callable[..., Operator]


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3]:
    """The folder of an S3 server's buckets, and the variables that lead there."""
    folder = tmp_path_factory.mktemp("s3")
    with s3_server(folder) as variables:
        yield folder, variables


@pytest.fixture
def hire(tmp_path: Path, request: pytest.FixtureRequest) -> Hire:
    """Makes an operator for a database; `store` is folder or s3."""

    def make(url: str, store: str = "folder", *, sealed: bool = False) -> Operator:
        s3 = request.getfixturevalue("s3") if store == "s3" else None
        return operator_for(url, tmp_path, s3, sealed=sealed)

    return make


@pytest.fixture
def shop(database: str) -> str:
    """A migrated database with a few rows."""
    execute(
        database,
        "INSERT INTO users (email, password_hash) SELECT n || '@example.com', md5(n::text)"
        " FROM generate_series(1, 200) AS n",
    )
    return database


@pytest.fixture
def new_name(postgres: str) -> Iterator[Callable[[str], str]]:
    """Notes the name of a database that a test will make, to drop it; returns its URL."""
    named: list[str] = []

    def note(name: str) -> str:
        named.append(name)
        return in_database(postgres, name)

    yield note
    execute(postgres, *(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)' for name in named))
