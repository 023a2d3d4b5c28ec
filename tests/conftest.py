"""The real parts every test shares: PostgreSQL from its wheel, and a database of one's own."""

import os
from collections.abc import Callable, Iterator
from uuid import uuid4

import pytest
from hypothesis import settings

from service.checks.source import digest, write_test_report
from service.config import Config
from service.database import embedded
from tests.support import ROOT, alembic, database_name, execute, in_database

# An example that takes its time on a busy machine is not wrong.
settings.register_profile("busy", deadline=None)
settings.load_profile("busy")

source_tested = pytest.StashKey[str]()


def pytest_xdist_auto_num_workers() -> int:
    """One more than there are processors: a third of their time, tests wait."""
    return (os.cpu_count() or 1) + 1


def pytest_sessionstart(session: pytest.Session) -> None:
    """Notes which code this run is about."""
    session.config.stash[source_tested] = digest(ROOT)


def pytest_sessionfinish(session: pytest.Session, exitstatus: int) -> None:
    """Notes for `quart check --deploy` that the whole suite passed on this code; a whole run that
    fails takes the note away."""
    config = session.config
    if hasattr(config, "workerinput") or not is_whole(config):
        return
    path = ROOT / Config.TEST_REPORT
    path.unlink(missing_ok=True)
    if exitstatus == pytest.ExitCode.OK and digest(ROOT) == config.stash[source_tested]:
        reporter = config.pluginmanager.get_plugin("terminalreporter")
        write_test_report(path, passed=len(reporter.stats["passed"]), root=ROOT)


def is_whole(config: pytest.Config) -> bool:
    """Whether nobody chose among the tests, but as `make test` does."""
    option = config.option
    marks = option.markexpr if option.markexpr != "not long" else ""
    chosen = (option.keyword, marks, option.deselect, option.ignore, option.ignore_glob)
    partly = (option.lf, option.stepwise, option.collectonly, option.maxfail)
    return config.args_source is not pytest.Config.ArgsSource.ARGS and not any(chosen + partly)


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
