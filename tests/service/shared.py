"""Fixtures of several folders: services that a module's tests share, and people for them."""

import signal
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest

from tests.service.support import Account, Service, register, start_service

Start = Callable[..., Service]
Join = Callable[[Service], Account]


@pytest.fixture(scope="module")
def start_shared(
    create_database: Callable[[str], str],
    migrated_template: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[Start]:
    """Starts a service on a database of its own, or on `DATABASE_URL`; ended with the module."""
    started: list[Service] = []

    def start(**variables: str) -> Service:
        database = variables.get("DATABASE_URL") or create_database(migrated_template)
        log = tmp_path_factory.mktemp("shared") / "stdout.jsonl"
        started.append(start_service(log, **(variables | {"DATABASE_URL": database})))
        return started[-1]

    yield start
    for each in started:
        each.stop(signal.SIGKILL)


@pytest.fixture
def newcomer() -> Iterator[Join]:
    """Registers somebody with a service."""
    with ExitStack() as accounts:

        def join(service: Service) -> Account:
            account = register(service.url)
            accounts.callback(account.http.close)
            return account

        yield join
